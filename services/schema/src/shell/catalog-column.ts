import type { ColumnModel, SequenceModel, SequenceOptions } from '../core/catalog-model.js';

/** A row of `SELECT_COLUMNS`. */
export interface ColumnRow {
  readonly table_oid: string;
  readonly name: string;
  readonly type: string;
  readonly is_not_null: boolean;
  readonly expression: string | null;
  readonly generation: string;
  readonly identity: string;
  readonly collation_schema: string | null;
  readonly collation_name: string | null;
  readonly identity_options: SequenceOptions | null;
  readonly sequences: readonly SequenceModel[];
  readonly functions: readonly string[];
}

export function columnOf(row: ColumnRow): ColumnModel {
  return {
    name: row.name,
    type: row.type,
    isNotNull: row.is_not_null,
    expression: row.expression,
    generation: GENERATIONS[row.generation] ?? 'none',
    identity: IDENTITIES[row.identity] ?? 'none',
    identityOptions: row.identity_options,
    collation:
      row.collation_schema === null || row.collation_name === null
        ? null
        : { schema: row.collation_schema, name: row.collation_name },
    sequences: row.sequences,
    functions: row.functions,
  };
}

const GENERATIONS: Readonly<Record<string, ColumnModel['generation']>> = {
  s: 'stored',
  v: 'virtual',
};
const IDENTITIES: Readonly<Record<string, ColumnModel['identity']>> = {
  a: 'always',
  d: 'by_default',
};
