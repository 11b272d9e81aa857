export { ApiDocument, type Operation, type RawAnswer, type RequestBody } from './api-document.js';
export { type Certificate, CertificateAuthority, type CertificateWish } from './certificates.js';
export { type ChildExit } from './child-exit.js';
export {
  type FollowedComparison,
  type RepeatOptions,
  type RepeatedComparison,
  compareRepeatedly,
} from './compare-repeatedly.js';
export { type ComparedTable, samePair } from './both-contents.js';
export {
  type DatabaseComparison,
  type TableComparison,
  compareTable,
  equalDatabases,
} from './compare-tables.js';
export { SmallDisk } from './small-disk.js';
export { createDatabase, type DatabaseOptions, type TestDatabase } from './test-database.js';
export { freePort, isPortFree } from './free-port.js';
export { type LeftoverOptions, leftovers, streamNames } from './leftovers.js';
export { ManualClock, countingIds } from './manual-clock.js';
export { findNatsServer, type FindNatsOptions } from './nats-binary.js';
export { type NatsOptions, type NatsServer, startNats } from './nats-server.js';
export { NatsCluster, type NatsClusterOptions, startNatsCluster } from './nats-cluster.js';
export { natsUsers } from './nats-users.js';
export { POSTGRES_VERSIONS, type PostgresVersion, findPostgres } from './postgres-binaries.js';
export {
  type PostgresOptions,
  type PostgresServer,
  THROW_AWAY_SETTINGS,
  startPostgres,
} from './postgres-server.js';
export { type TlsWish, serveTls } from './postgres-tls.js';
export { cpuSeconds, peakRssBytes, rssBytes } from './process-usage.js';
export { repositoryRoot } from './repository-root.js';
export {
  type ServiceOptions,
  type ServiceProcess,
  type ServiceProgram,
  startService,
} from './service-process.js';
export { COMPARABLE_SESSION_SQL, type QuerySession } from './table-content.js';
export { removeTemporaryFolder, temporaryFolder } from './temporary-folder.js';
export { canPostgresReach } from './unprivileged-user.js';
export { until, type UntilOptions } from './until.js';
