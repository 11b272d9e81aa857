export {
  ALL_COMMANDS,
  ALL_EVENTS,
  ALL_HEARTBEATS,
  ALL_STATS,
  COMMAND_STREAM,
  EVENT_STREAM,
  LEASE_BUCKET,
  Query,
  SERVICE_NAMES,
  SPEC_BUCKET,
  type ServiceName,
  changeStreamName,
  changeSubjects,
  commandConsumer,
  commandFilter,
  commandSubject,
  commitSubject,
  decodeToken,
  defaultPublicationName,
  defaultSlotName,
  encodeToken,
  eventSubject,
  heartbeatSubject,
  positionSubject,
  lanesSubject,
  logLevelSubject,
  lookSubject,
  progressSubject,
  retrySubject,
  schemaMarkSubject,
  statsSubject,
  tableSubject,
} from './subjects.js';
export {
  EVENT_CONSUMER,
  type NatsPermissions,
  type SubjectRules,
  inboxPrefix,
  natsPermissionsOf,
} from './nats-permissions.js';
export { NATS_USERS, type NatsUser, renderNatsUsers } from './nats-users.js';
export {
  DEFAULT_MIRROR_OPTIONS,
  FOREIGN_KEY_STRATEGIES,
  FULL_SCHEMA,
  type ForeignKeyStrategy,
  type MirrorOptions,
  type MirrorSpec,
  type PeerConnection,
  type ReplicateSchema,
  SSL_MODES,
  type SealedText,
  type SourceIdentity,
  type SslMode,
  type TableMapping,
  type TablePattern,
} from './mirror-spec.js';
export {
  type AnyCommand,
  type BuildStructure,
  type ChangeLanes,
  type ChangePublication,
  COMMAND_SERVICE,
  type CleanDestination,
  type CleanSource,
  type Command,
  type DropTables,
  type LaneWish,
  type PrepareSource,
  type ProvisionTables,
  type RebuildSource,
  type RestartPosition,
  type SyncSchema,
} from './commands.js';
export {
  type AnyWorkerEvent,
  type CommandFailed,
  type CopyFinished,
  type CopyStarted,
  type DestinationCleaned,
  type LanesChanged,
  type PositionRestarted,
  type PublicationChanged,
  type SchemaSynced,
  type SessionFailed,
  type SessionRecovered,
  type SessionStarted,
  type SourceCleaned,
  type SourcePrepared,
  type SourceRebuilt,
  STRUCTURE_LIST_MAX,
  type StructureBuilt,
  type StructureCompared,
  type StructureFollowed,
  type StructureProgress,
  type StructureRefusal,
  TABLE_STATUSES,
  type TableStateChanged,
  type TableStatus,
  type TablesAppeared,
  type TablesMoved,
  type TablesDropped,
  type TablesProvisioned,
  type WorkerEvent,
} from './events.js';
export {
  METRICS,
  METRICS_OF,
  type Distribution,
  type MetricDefinition,
  type MetricKind,
  type MetricLabels,
  type MetricName,
  type MetricSample,
} from './metrics.js';
export type {
  ApplyStats,
  CaptureStats,
  DestinationPosition,
  Heartbeat,
  LogLevelReply,
  LogLevelRequest,
  ProgressWanted,
  TableStats,
} from './telemetry.js';
export type {
  FollowOutcome,
  PeerTable,
  PeerTablesReply,
  PeerTablesRequest,
  PeerTestReply,
  PeerTestRequest,
  PreflightCheck,
  Reply,
  RewindReply,
  RewindRequest,
  SchemaChange,
  SchemaChangeOutcome,
  SchemaDiffReply,
  SchemaDiffRequest,
  SchemaFollowReply,
  SchemaFollowRequest,
  SchemaShadowReply,
  SchemaShadowRequest,
  SchemaSwapCheckReply,
  SchemaSwapCheckRequest,
  SchemaSyncReply,
  SchemaSyncRequest,
  TableWish,
  ValidateReply,
  ValidateRequest,
} from './queries.js';
export { NAME_ADVICE, NAME_PATTERN, USERNAME_PATTERN, nestedClassOf } from './api/field-rules.js';
export { ChangePasswordRequest } from './api/change-password-request.js';
export { ChangeTablesQuery, ChangeTablesRequest } from './api/change-tables-request.js';
export { CreateMirrorRequest } from './api/create-mirror-request.js';
export { CreatePeerRequest } from './api/create-peer-request.js';
export { LoginRequest } from './api/login-request.js';
export { MirrorOptionsRequest } from './api/mirror-options-request.js';
export {
  CreateMirrorQuery,
  DeleteMirrorQuery,
  FollowChangesQuery,
  ListAuditQuery,
  ListEventsQuery,
  ListLogsQuery,
  MetricsQuery,
} from './api/mirror-queries.js';
export { ReplicateSchemaRequest } from './api/replicate-schema-request.js';
export { ResyncRequest } from './api/resync-request.js';
export { RetryMirrorRequest } from './api/retry-mirror-request.js';
export { SCHEMA_CHANGE_GROUPS, SyncSchemaRequest } from './api/sync-schema-request.js';
export { TableMappingRequest } from './api/table-mapping-request.js';
export { UpdateMirrorRequest } from './api/update-mirror-request.js';
export { UpdatePeerRequest } from './api/update-peer-request.js';
export { CreateUserRequest, type RoleWord, UpdateUserRequest } from './api/user-requests.js';
export { MESSAGE_VERSION, isOfNewerVersion } from './message-version.js';
