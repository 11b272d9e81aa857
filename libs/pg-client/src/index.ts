export { type ConnectionSettings, settingsOf } from './connection-settings.js';
export { type ConnectOptions, connectClient, socketOf } from './connect-client.js';
export { type ErrorContext, sqlstateOf, toMirrorError } from './mirror-error.js';
export type { ServerRole } from './server-role.js';
export { type SpliceOptions, type SpliceResult, spliceCopy } from './copy-splice.js';
export { closeSession, killSession } from './copy-splice-socket.js';
export {
  type GroupOutcome,
  PipelinedSession,
  PreparedStatement,
  type ReplySink,
} from './pipelined-session.js';
export {
  type OpenReplicationOptions,
  type ReplicationConnection,
  openReplication,
} from './replication-connection.js';
export {
  type FrameReaderOptions,
  type ReplicationControl,
  ReplicationFrameReader,
  type ReplicationHandler,
} from './replication-frames.js';
export type { ReplicationStream, StreamOptions } from './replication-stream.js';
export type { StandbyStatus } from './standby-status.js';
