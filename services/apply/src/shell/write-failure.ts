import { type FailureDetail, MirrorError } from '@bunnydb/failure';
import { sqlstateOf, toMirrorError } from '@bunnydb/pg-client';
import { formatQualifiedName } from '@bunnydb/pg-model';
import type { WriteLabel } from './write-label.js';

/** Names what a refused destination transaction was doing: the table and its key's column names, never values. */
export function writeFailure(error: unknown, label: WriteLabel | undefined): MirrorError {
  if (label?.action === 'position' && sqlstateOf(error) === DIVISION_BY_ZERO) {
    return new MirrorError('position_fenced', 'another applier has taken the position over', {
      cause: error,
    });
  }
  const failure = toMirrorError(error, { role: 'destination' });
  return label ? failure.withDetail(detailOf(label)) : failure;
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
