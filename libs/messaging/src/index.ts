export { connectMessaging, type ConnectMessagingOptions } from './connect-messaging.js';
export type { NatsAddress, NatsLogin, NatsTls } from './connection-options.js';
export type {
  Messaging,
  MessagingSettings,
  RequestOptions,
  Stop,
  SubscribeOptions,
} from './messaging.js';
export { SILENT_LOG, type Log } from './log.js';
export {
  isMissingResource,
  isUnanswered,
  isWrongLastSequence,
  toMessagingError,
} from './nats-failure.js';
export { ensureControlStreams, type EnsureOptions } from './control-streams.js';
export { emitEvent } from './emit-event.js';
export { sendCommand } from './send-command.js';
export type { StoredPublishOptions, StoredPublishResult } from './stored-publish.js';
export {
  newWorkerEvent,
  type EventOrigin,
  type WorkerEventBody,
  type WorkerEventType,
} from './worker-event.js';
export {
  runCommandLoop,
  type AnyCommandHandler,
  type CommandAnswer,
  type CommandContext,
  type CommandHandlers,
  type CommandLoopOptions,
} from './command-loop.js';
export type { LoopWatch } from './pull-loop.js';
export { consumeEvents, type ConsumeEventsOptions } from './consume-events.js';
export { deleteSpec, getSpec, putSpec, readSpec, type StoredSpec } from './spec-store.js';
export { watchSpecs, type WatchSpecsOptions } from './watch-specs.js';
export { LeaseBook, type Lease, type LeaseRecord } from './lease.js';
export { LeaseKeeper } from './lease-keeper.js';
export {
  HEARTBEAT_INTERVAL_MS,
  startHeartbeat,
  type HeartbeatOptions,
  type RunningHeartbeat,
} from './heartbeat.js';
export type { OpenSession, SessionContext } from './mirror-session.js';
export { runMirrorSessions, type MirrorSessionsOptions } from './mirror-sessions.js';
export {
  KEPT,
  TRACE_PARENT,
  activeTraceId,
  activeTraceParent,
  contextOf,
  formatTraceParent,
  inSpan,
  markFailed,
  parseTraceParent,
  tellFailure,
  type TracedOptions,
} from './trace-context.js';
