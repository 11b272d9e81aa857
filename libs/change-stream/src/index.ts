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
