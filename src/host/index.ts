/** The host that is observed: live, or as it was recorded; and what it is called. */
export { recordedHost } from './recorded.ts';
export { type Moment, openRecording, type Recording } from './recording.ts';
