export {
  type Lsn,
  ZERO_LSN,
  compareLsn,
  formatLsn,
  lsnFromBigInt,
  maxLsn,
  parseLsn,
} from './lsn.js';
export {
  type NamePart,
  type NamePattern,
  matchesName,
  parseNamePattern,
  standsForMany,
} from './name-pattern.js';
export {
  type QualifiedName,
  formatQualifiedName,
  parseQualifiedName,
  quoteQualifiedName,
} from './qualified-name.js';
export { quoteIdentifier, quoteLiteral } from './quoting.js';
export { ReplicaIdentity, isReplicaIdentity } from './replica-identity.js';
export { escapeCopyValue, splitCopyLine, unescapeCopyValue } from './copy-text.js';
