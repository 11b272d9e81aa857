import type { FailureKind, MirrorError } from '@bunnydb/failure';
import { formatQualifiedName } from '@bunnydb/pg-model';
import type { MirrorTable, MirrorTables } from './mirror-tables.js';

/** The tables that a refusal of the destination is about, if it is about tables rather than the server or our rights. */
export function refusedTables(failure: MirrorError, tables: MirrorTables): readonly MirrorTable[] {
  const { schema, table, tables: several } = failure.detail;
  const names: string[] = Array.isArray(several) ? [...several] : [];
  if (typeof table === 'string') {
    // A server tells schema and table apart; we give the whole name.
    names.push(table);
    if (typeof schema === 'string') names.push(formatQualifiedName({ schema, table }));
  }
  const found = names.flatMap((name) => tables.findByDestination(name) ?? []);
  return [...new Set(found)];
}

/** Whether another structure of the destination might take what was refused. */
export function mayBeStructural({ kind, detail }: MirrorError): boolean {
  if (kind === 'constraint_violated') return !ROWS_IN_THE_WAY.has(String(detail['sqlstate']));
  return STRUCTURAL.has(kind);
}

const STRUCTURAL: ReadonlySet<FailureKind> = new Set([
  'schema_mismatch',
  'table_missing',
  'value_rejected',
]);
/** A unique or exclusion constraint. */
const ROWS_IN_THE_WAY: ReadonlySet<string> = new Set(['23505', '23P01']);
