/**
 * The version of what plugins may import: semantic, and apart from that of the agent. A plugin that says
 * `api: '1.0'` is loaded by every agent with 1.0 or later, below 2.
 */
export const API = '1.1.0';
