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
export function mayBeStructural({ kind }: MirrorError): boolean {
  return STRUCTURAL.has(kind);
}

const STRUCTURAL: ReadonlySet<FailureKind> = new Set([
  // Also where a row is in the way: the source may have dropped the key.
  'constraint_violated',
  'schema_mismatch',
  'table_missing',
  'value_rejected',
]);
