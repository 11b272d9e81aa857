import type { ColumnModel, IdentitySequence, SequenceModel } from '../core/catalog-model.js';

/** A row of `SELECT_COLUMNS`. */
export interface ColumnRow {
  readonly table_oid: string;
  readonly name: string;
  readonly type: string;
  readonly is_not_null: boolean;
  readonly is_local: boolean;
  readonly not_null_name: string | null;
  readonly not_null_is_local: boolean | null;
  readonly not_null_is_no_inherit: boolean | null;
  readonly not_null_is_validated: boolean | null;
  readonly expression: string | null;
  readonly generation: string;
  readonly identity: string;
  readonly collation_schema: string | null;
  readonly collation_name: string | null;
  readonly identity_options: IdentitySequence | null;
  readonly sequences: readonly SequenceModel[];
  readonly functions: readonly string[];
  readonly number: number;
  readonly missing: string | null;
}

export function columnOf(row: ColumnRow): ColumnModel {
  return {
    name: row.name,
    type: row.type,
    isNotNull: row.is_not_null,
    isLocal: row.is_local,
    notNullConstraint:
      row.not_null_name === null
        ? null
        : {
            name: row.not_null_name,
            isLocal: row.not_null_is_local ?? true,
            isNoInherit: row.not_null_is_no_inherit ?? false,
            isValidated: row.not_null_is_validated ?? true,
          },
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
    number: row.number,
    ...(row.missing === null ? {} : { missing: row.missing }),
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
