// Generated from the files in collectors/ and handlers/ by `npm run generate`. Do not edit.
import agent from '../../collectors/agent.ts';
import cpu from '../../collectors/cpu.ts';
import disk from '../../collectors/disk.ts';
import filesystem from '../../collectors/filesystem.ts';
import load from '../../collectors/load.ts';
import memory from '../../collectors/memory.ts';
import network from '../../collectors/network.ts';
import uptime from '../../collectors/uptime.ts';
import console from '../../handlers/console.ts';
import file from '../../handlers/file.ts';
import graphite from '../../handlers/graphite.ts';
import live from '../../handlers/live.ts';
import type { Collector, Handler } from '../plugin/index.ts';

export const collectors: readonly Collector[] = [
  agent,
  cpu,
  disk,
  filesystem,
  load,
  memory,
  network,
  uptime,
];
export const handlers: readonly Handler[] = [console, file, graphite, live];
