import type { MirrorSpec, TableMapping } from '@bunnydb/contracts';
import { FailureKind, MirrorError } from '@bunnydb/failure';
import { formatQualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import { type CopyFormat, chooseColumns } from '../core/copy-columns.js';
import { CopyProgressCounter } from '../core/copy-progress.js';
import { type CopyRange, type RelationSize, estimateRows, planRanges } from '../core/copy-range.js';
import {
  type DestinationFacts,
  type TableFacts,
  readDestinationFacts,
  readRelationSizes,
  readTableFacts,
} from './copy-catalog.js';
import { onSide } from './copy-failure.js';
import type { CopyTarget } from './copy-ledger.js';

/** Everything about the copy of one table. */
export interface TableCopy extends CopyTarget {
  readonly columns: readonly string[];
  readonly ranges: readonly CopyRange[];
  readonly isDestinationPartitioned: boolean;
  readonly progress: CopyProgressCounter;
  /** Becomes `text` when the server turns out not to know a binary form. */
  format: CopyFormat;
  /** Set by the first worker that comes; the others wait for the same. */
  begun?: Promise<void>;
}

export interface CopyPlanOptions {
  readonly spec: MirrorSpec;
  readonly targets: readonly CopyTarget[];
  /** A session that sees the snapshot. */
  readonly source: pg.Client;
  readonly destination: pg.Client;
  /** Whether the copying sessions run with `session_replication_role = replica`. */
  readonly silencesTriggers: boolean;
  readonly refuse: (target: CopyTarget, error: unknown) => void;
}

/**
 * Compares both catalogs and cuts the tables into ranges. A table that cannot be copied is handed to `refuse`, which may throw, and left out.
 *
 * @throws MirrorError `table_missing`, `schema_mismatch` or `privilege_missing`, naming the table, from `refuse`.
 */
export async function planCopy(options: CopyPlanOptions): Promise<readonly TableCopy[]> {
  const { targets, source, destination } = options;
  const tables = targets.map(({ mapping }) => mapping);
  const names = tables.map((table) => table.source);
  const sourceFacts = await onSide('source', () => readTableFacts(source, names));
  const sizes = await onSide('source', () => readRelationSizes(source, names));
  const destinationFacts = await onSide('destination', () =>
    readDestinationFacts(destination, tables),
  );
  return targets.flatMap((target, index) => {
    try {
      return planTable(options, target, {
        from: sourceFacts[index],
        to: destinationFacts[index],
        relations: sizes[index] ?? [],
      });
    } catch (error) {
      options.refuse(target, error);
      return [];
    }
  });
}

/** What the catalogs say of one table. */
interface TableSides {
  readonly from: TableFacts | undefined;
  readonly to: DestinationFacts | undefined;
  readonly relations: readonly RelationSize[];
}

function planTable(
  options: CopyPlanOptions,
  { mapping, purpose }: CopyTarget,
  { from, to, relations }: TableSides,
): TableCopy {
  if (!from?.isTable) throw missingTable('source', mapping);
  if (!to?.isTable) throw missingTable('destination', mapping);
  requireSilentTriggers(mapping, to, options);
  const choice = chooseColumns(from.columns, to.columns, mapping.exclude_columns);
  if (!choice.ok) {
    throw new MirrorError(
      FailureKind.SchemaMismatch,
      'the destination table lacks columns of the source table',
      {
        detail: {
          destination_table: formatQualifiedName(mapping.destination),
          missing_columns: choice.missing,
        },
      },
    );
  }
  const rowsMax = options.spec.options.snapshot_num_rows_per_partition;
  const ranges = planRanges(mapping.source, relations, rowsMax);
  return {
    mapping,
    purpose,
    columns: choice.columns,
    format: choice.format,
    ranges,
    isDestinationPartitioned: to.isPartitioned,
    progress: new CopyProgressCounter({
      table: mapping.source,
      rangesTotal: ranges.length,
      rowsEstimated: estimateRows(relations),
      bytesEstimated: relations.reduce((sum, relation) => sum + relation.bytes, 0),
    }),
  };
}

/** Without the right to set `session_replication_role`, only a table on which nothing would fire may be copied into. */
function requireSilentTriggers(
  mapping: TableMapping,
  facts: DestinationFacts,
  { silencesTriggers, spec }: CopyPlanOptions,
): void {
  if (silencesTriggers || !facts.hasInsertTriggers) return;
  throw new MirrorError(
    FailureKind.PrivilegeMissing,
    'the destination table has triggers or foreign keys, and the user may not set session_replication_role',
    {
      detail: {
        destination_table: formatQualifiedName(mapping.destination),
        fix: `GRANT SET ON PARAMETER session_replication_role TO "${spec.destination.user.replaceAll('"', '""')}"`,
      },
    },
  );
}

function missingTable(role: 'source' | 'destination', mapping: TableMapping): MirrorError {
  return new MirrorError(FailureKind.TableMissing, `the ${role} table does not exist`, {
    detail: { role, table: formatQualifiedName(mapping[role]) },
  });
}
