import type {
  ChildIndex,
  ConstraintKind,
  ConstraintModel,
  ForeignKeyAction,
  ForeignKeyModel,
  IndexModel,
  SettingModel,
  StatisticsModel,
} from '../core/structure-model.js';
import { SETTING_KINDS } from '../core/structure-model.js';
import { definitionFound } from './catalog-race.js';

/** A row of `SELECT_INDEXES`. */
export interface IndexRow {
  readonly table_oid: string;
  readonly name: string;
  readonly is_unique: boolean;
  readonly is_valid: boolean;
  readonly body: string | null;
  readonly children: readonly ChildIndex[];
  readonly constraint_name: string | null;
  readonly columns: readonly string[];
}

export function indexOf(row: IndexRow): IndexModel {
  return {
    name: row.name,
    isUnique: row.is_unique,
    isValid: row.is_valid,
    body: definitionFound(row.body),
    children: row.children,
    columns: row.columns,
    constraint: row.constraint_name,
  };
}

/** A row of `SELECT_CONSTRAINTS`. */
export interface ConstraintRow {
  readonly table_oid: string;
  readonly name: string;
  readonly kind: string;
  readonly definition: string | null;
  readonly is_validated: boolean;
  readonly is_enforced: boolean;
  readonly is_deferrable: boolean;
  readonly is_initially_deferred: boolean;
  readonly expression: string | null;
  readonly columns: readonly string[];
}

export function constraintOf(row: ConstraintRow): ConstraintModel {
  return {
    kind: KINDS[row.kind] ?? 'check',
    name: row.name,
    definition: withoutNotValid(row),
    columns: row.columns,
    isValidated: row.is_validated,
    isEnforced: row.is_enforced,
    isDeferrable: row.is_deferrable,
    isInitiallyDeferred: row.is_initially_deferred,
    expression: row.expression,
  };
}

/** A row of `SELECT_FOREIGN_KEYS`. */
export interface ForeignKeyRow {
  readonly table_oid: string;
  readonly name: string;
  readonly referenced_schema: string;
  readonly referenced_table: string;
  readonly columns: readonly string[];
  readonly referenced_columns: readonly string[];
  readonly on_delete_columns: readonly string[];
  readonly is_match_full: boolean;
  readonly on_update: string;
  readonly on_delete: string;
  readonly is_deferrable: boolean;
  readonly is_initially_deferred: boolean;
  readonly is_validated: boolean;
  readonly is_enforced: boolean;
  readonly has_period: boolean;
}

export function foreignKeyOf(row: ForeignKeyRow): ForeignKeyModel {
  return {
    name: row.name,
    columns: row.columns,
    referenced: { schema: row.referenced_schema, table: row.referenced_table },
    referencedColumns: row.referenced_columns,
    isMatchFull: row.is_match_full,
    hasPeriod: row.has_period,
    onUpdate: ACTIONS[row.on_update] ?? 'no action',
    onDelete: ACTIONS[row.on_delete] ?? 'no action',
    onDeleteColumns: row.on_delete_columns,
    isDeferrable: row.is_deferrable,
    isInitiallyDeferred: row.is_initially_deferred,
    isValidated: row.is_validated,
    isEnforced: row.is_enforced,
  };
}

/** PostgreSQL writes NOT VALID last, and only for what is not validated. */
function withoutNotValid({ definition: found, is_validated: isValidated }: ConstraintRow): string {
  const definition = definitionFound(found);
  return !isValidated && definition.endsWith(NOT_VALID)
    ? definition.slice(0, -NOT_VALID.length)
    : definition;
}

const NOT_VALID = ' NOT VALID';
const KINDS: Readonly<Record<string, ConstraintKind>> = {
  p: 'primary_key',
  u: 'unique',
  x: 'exclusion',
  c: 'check',
};
const ACTIONS: Readonly<Record<string, ForeignKeyAction>> = {
  a: 'no action',
  r: 'restrict',
  c: 'cascade',
  n: 'set null',
  d: 'set default',
};

/** A row of `SELECT_STATISTICS`. */
export interface StatisticsRow extends Omit<StatisticsModel, 'body'> {
  readonly table_oid: string;
  readonly body: string | null;
}

export function statisticsOf({ table_oid: _, body, ...model }: StatisticsRow): StatisticsModel {
  return { ...model, body: definitionFound(body) };
}

/** A row of `SELECT_SETTINGS`. */
export interface SettingRow {
  readonly table_oid: string;
  readonly kind: string;
  readonly object: string;
  readonly key: string;
  readonly value: string;
}

export function settingOf(row: SettingRow): SettingModel {
  const kind = SETTING_KINDS.find((known) => known === row.kind);
  if (kind === undefined) throw new Error(`no kind of setting is called ${row.kind}`);
  return { kind, object: row.object, key: row.key, value: row.value };
}
