/** The host that is observed: live, or as it was recorded; and what it is called. */
export { hostFacts, hostnameByShell } from './facts.ts';
export { type LiveHost, type LiveHostOptions, liveHost } from './live.ts';
export { bytewise } from './paths.ts';
export { recordedHost } from './recorded.ts';
export { type Recorder, startRecording } from './recorder.ts';
export { openRecording } from './recording.ts';
