import type { KeyModel } from '../core/catalog-model.js';
import { definitionFound } from './catalog-race.js';

/** A row of `SELECT_KEYS`. */
export interface KeyRow {
  readonly table_oid: string;
  readonly name: string;
  readonly is_primary: boolean;
  readonly is_replica_identity: boolean;
  readonly is_deferrable: boolean;
  readonly is_initially_deferred: boolean;
  readonly definition: string | null;
  readonly body: string | null;
  readonly columns: readonly string[];
  readonly included_columns: readonly string[];
}

export function keyModelOf(row: KeyRow): KeyModel {
  return {
    name: row.name,
    columns: row.columns,
    includedColumns: row.included_columns,
    isDeferrable: row.is_deferrable,
    isInitiallyDeferred: row.is_initially_deferred,
    definition: row.definition,
    body: definitionFound(row.body),
  };
}
