import type { SCHEMA_CHANGE_GROUPS } from '@bunnydb/contracts';
import type { CarriedObject } from './carried-objects.js';

/**
 * Every kind of change, in the order in which changes are made: each may lean on those before it. What only the destination has goes first, since it may
 * be written for the type that a column has still.
 */
export const CHANGE_KINDS = [
  'drop_foreign_key',
  'drop_check',
  'drop_constraint',
  'drop_index',
  'drop_statistics',
  'create_extension',
  'create_collation',
  'create_type',
  'rename_enum_value',
  'add_enum_value',
  'alter_domain',
  'validate_domain',
  'alter_composite',
  'rename_column',
  'add_column',
  'alter_type',
  'set_default',
  'drop_default',
  'drop_not_null',
  'set_not_null',
  'rename_not_null',
  'drop_identity',
  'add_identity',
  'set_identity',
  'alter_sequence',
  'set_generated',
  'drop_generated',
  'replace_column',
  'drop_inheritance',
  'add_inheritance',
  'detach_partition',
  'create_partition',
  'add_primary_key',
  'add_unique',
  'add_exclusion',
  'replace_constraint',
  'create_unique_index',
  'create_index',
  'replace_index',
  'add_check',
  'replace_check',
  'validate_check',
  'add_foreign_key',
  'replace_foreign_key',
  'validate_foreign_key',
  'create_statistics',
  'replace_statistics',
  'set_statistics_target',
  'set_option',
  'set_index_option',
  'reset_option',
  'set_replica_identity',
  'set_cluster',
  'set_comment',
  'drop_comment',
  'rename_constraint',
  'rename_index',
  'drop_column',
] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** What a person may ask for by `include`. */
export type ChangeGroup = (typeof SCHEMA_CHANGE_GROUPS)[number];

export interface ChangeStatement {
  readonly sql: string;
  /** Whether it holds locks that writers wait for: then it may wait for its own locks only briefly, and is tried again. */
  readonly blocksWriters: boolean;
  /** Removes what the statement leaves behind when it fails. */
  readonly undo?: string;
}

/** One difference, and what makes it go away. */
export interface StructureChange {
  /** The same for the same difference, so that a person can name it later. */
  readonly id: string;
  readonly kind: ChangeKind;
  readonly group: ChangeGroup;
  /** What it is about, for people: `public.orders.orders_pkey`. */
  readonly object: string;
  /** The destination table; changes of one table are made one after the other. */
  readonly table: string;
  readonly statements: readonly ChangeStatement[];
  /** All statements as one text. */
  readonly sql: string;
  /** Whether it may lose data, or something that only the destination has. */
  readonly destructive: boolean;
  /** What it drops that the source had and has dropped; what only the destination ever had is dropped for a person alone. */
  readonly dropsCarried?: CarriedObject;
  /** Whether it takes the place of something that the destination has otherwise: then only a person may ask for it. */
  readonly overwrites?: boolean;
  readonly locks: string;
  readonly reason: string;
  /** Whether PostgreSQL writes every row of the table anew for it, under a lock that everybody waits for. */
  readonly rewrites?: boolean;
  /** Whether the rows that are there cannot be given what they have on the source: their table has to be copied again. */
  readonly needsCopy?: boolean;
  /** Counts the rows that keep it from being made. */
  readonly countOffending?: string;
}

/** A difference that no statement can or should make go away. */
export interface StructureNote {
  readonly object: string;
  readonly reason: string;
}

export interface StructureDiff {
  readonly changes: readonly StructureChange[];
  readonly notes: readonly StructureNote[];
}

/** Makes a change; its id is derived from all that it does. */
export function changeOf(
  change: Omit<StructureChange, 'id' | 'sql' | 'group' | 'destructive'> & {
    readonly destructive?: boolean;
  },
): StructureChange {
  const sql = change.statements.map((statement) => `${statement.sql};`).join('\n');
  return {
    ...change,
    id: stableHash(`${change.kind}\0${change.object}\0${sql}`),
    group: GROUP_OF[change.kind],
    sql,
    destructive: change.destructive ?? false,
  };
}

/** In the order of `CHANGE_KINDS`; within a kind as they came. */
export function orderChanges(changes: readonly StructureChange[]): readonly StructureChange[] {
  return changes.toSorted((a, b) => RANK_OF[a.kind] - RANK_OF[b.kind]);
}

/** A statement that writers wait for. */
export const blocking = (sql: string): ChangeStatement => ({ sql, blocksWriters: true });
/** A statement beside which writers go on. */
export const online = (sql: string, undo?: string): ChangeStatement =>
  undo === undefined ? { sql, blocksWriters: false } : { sql, blocksWriters: false, undo };

/** Whether it is about something that the destination has and the source lacks. */
export function isExtra(change: StructureChange): boolean {
  return EXTRA_KINDS.has(change.kind) && change.dropsCarried === undefined;
}

/** What changes drop that came from the source. */
export function droppedBy(changes: readonly StructureChange[]): readonly CarriedObject[] {
  return changes.flatMap(({ dropsCarried }) => (dropsCarried === undefined ? [] : [dropsCarried]));
}

/** What a change says of itself that drops something which the source lacks. */
export function dropTraits(
  carried: CarriedObject | undefined,
  what: string,
): Pick<StructureChange, 'reason' | 'destructive' | 'dropsCarried'> {
  return carried === undefined
    ? { destructive: true, reason: `only the destination has ${what}` }
    : { destructive: false, dropsCarried: carried, reason: `the source has dropped ${what}` };
}

/** FNV-1a of 64 bits: no secret hangs on it, it only has to be stable and short. */
export function stableHash(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}

const GROUP_OF: Readonly<Record<ChangeKind, ChangeGroup>> = {
  create_extension: 'extensions',
  create_collation: 'types',
  create_type: 'types',
  rename_enum_value: 'types',
  add_enum_value: 'types',
  alter_domain: 'types',
  validate_domain: 'types',
  alter_composite: 'types',
  rename_not_null: 'not_null',
  drop_identity: 'identity',
  add_identity: 'identity',
  set_identity: 'identity',
  alter_sequence: 'sequences',
  set_generated: 'columns',
  drop_generated: 'columns',
  replace_column: 'columns',
  drop_inheritance: 'tables',
  add_inheritance: 'tables',
  detach_partition: 'tables',
  create_partition: 'tables',
  create_statistics: 'statistics',
  replace_statistics: 'statistics',
  set_statistics_target: 'statistics',
  drop_statistics: 'statistics',
  set_option: 'settings',
  set_index_option: 'settings',
  reset_option: 'settings',
  set_replica_identity: 'settings',
  set_cluster: 'settings',
  set_comment: 'comments',
  drop_comment: 'comments',
  rename_column: 'columns',
  add_column: 'columns',
  drop_column: 'columns',
  alter_type: 'types',
  set_default: 'defaults',
  drop_default: 'defaults',
  drop_not_null: 'not_null',
  set_not_null: 'not_null',
  add_primary_key: 'constraints',
  add_unique: 'constraints',
  add_exclusion: 'constraints',
  replace_constraint: 'constraints',
  drop_constraint: 'constraints',
  rename_constraint: 'constraints',
  create_unique_index: 'indexes',
  create_index: 'indexes',
  replace_index: 'indexes',
  drop_index: 'indexes',
  rename_index: 'indexes',
  add_check: 'checks',
  replace_check: 'checks',
  validate_check: 'checks',
  drop_check: 'checks',
  add_foreign_key: 'foreign_keys',
  replace_foreign_key: 'foreign_keys',
  validate_foreign_key: 'foreign_keys',
  drop_foreign_key: 'foreign_keys',
};

const RANK_OF = Object.fromEntries(CHANGE_KINDS.map((kind, rank) => [kind, rank])) as Readonly<
  Record<ChangeKind, number>
>;

const EXTRA_KINDS: ReadonlySet<ChangeKind> = new Set([
  'drop_foreign_key',
  'drop_check',
  'drop_constraint',
  'drop_index',
  'drop_statistics',
  'drop_column',
  'drop_comment',
  'reset_option',
  'detach_partition',
  'drop_inheritance',
]);
