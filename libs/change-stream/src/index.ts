export { Header, type HeaderSource } from './headers.js';
export {
  type OpCounts,
  type TableMessageHead,
  type TruncateFlags,
  decodeTableHead,
  encodeTableHead,
} from './table-message.js';
export {
  type CommitMessageHead,
  type TransactionMark,
  decodeCommitHead,
  decodeTransactions,
  encodeCommitHead,
  encodeTransactions,
} from './commit-message.js';
export {
  type DdlMark,
  type DdlObject,
  type MarkedColumn,
  type RelationMark,
  type SchemaMark,
  type SchemaMarkHead,
  decodeSchemaMark,
  decodeSchemaMarkHead,
  encodeSchemaMark,
  encodeSchemaMarkHead,
  relationSignature,
} from './schema-mark.js';
