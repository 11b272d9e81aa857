import type { TransactionMark } from '@bunnydb/change-stream';
import { type FailureDetail, MirrorError } from '@bunnydb/failure';
import { sqlstateOf, toMirrorError } from '@bunnydb/pg-client';
import { formatLsn, formatQualifiedName } from '@bunnydb/pg-model';
import type { WriteLabel } from './write-label.js';

/**
 * Names what a refused destination transaction was doing: the table, its key's column names and the source transaction, never values.
 *
 * @param transactions those of the batch that it held; none when it held several.
 */
export function writeFailure(
  error: unknown,
  label: WriteLabel | undefined,
  transactions: readonly TransactionMark[] = [],
): MirrorError {
  if (label?.action === 'position' && sqlstateOf(error) === DIVISION_BY_ZERO) {
    return new MirrorError('position_fenced', 'another applier has taken the position over', {
      cause: error,
    });
  }
  const failure = toMirrorError(error, { role: 'destination' });
  if (!label) return failure;
  const culprit = culpritOf(label, transactions);
  return failure.withDetail({
    ...detailOf(label),
    ...(culprit ? { commit_lsn: formatLsn(culprit.commitLsn) } : {}),
  });
}

/** The source transaction whose change was refused, if that can be told. */
function culpritOf(
  label: WriteLabel,
  transactions: readonly TransactionMark[],
): TransactionMark | undefined {
  const seq = 'seq' in label ? label.seq : undefined;
  if (seq !== undefined) return transactions.find(({ lastSeq }) => lastSeq >= seq);
  return transactions.length === 1 ? transactions[0] : undefined;
}

function detailOf(label: WriteLabel): FailureDetail {
  switch (label.action) {
    case 'copy':
    case 'row':
    case 'set':
    case 'stage':
    case 'count': {
      const { table, keyFields } = label.plan;
      return {
        table: formatQualifiedName(table.name),
        key: keyFields.map((field) => field.column.name),
        action: label.action,
      };
    }
    case 'truncate':
      return { tables: label.tables, action: label.action };
    case 'park':
      return { source_table: formatQualifiedName(label.source), action: label.action };
    case 'position':
    case 'fingerprint':
    case 'transaction':
      return { action: label.action };
  }
}

/** What the conditions in our own statements raise. */
const DIVISION_BY_ZERO = '22012';
