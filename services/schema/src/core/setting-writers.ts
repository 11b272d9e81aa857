import { quoteIdentifier, quoteLiteral } from '@bunnydb/pg-model';
import type { ChangeKind } from './structure-change.js';
import type { SettingModel } from './structure-model.js';

/** Where a setting is at the destination, names as SQL. */
export interface SettingPlace {
  readonly table: string;
  /** The column, constraint, index (with its schema) or sequence (with its schema); empty for the table. */
  readonly object: string;
  readonly key: string;
}

/** How a setting of one kind is made, and taken back. */
export interface SettingWriter {
  readonly kind: ChangeKind;
  readonly part: 'table' | 'column' | 'index' | 'constraint' | 'sequence';
  readonly set: (place: SettingPlace, value: string) => string;
  /** What it becomes without one; null where this version cannot say it. */
  readonly reset: (place: SettingPlace, versionNumber: number) => string | null;
  /** Whether writers have to wait for it. */
  readonly blocksWriters: boolean;
}

const SHARE = false;
const EXCLUSIVE = true;

/** One writer for each kind. ONLY, since a partition or an inheriting table has settings of its own. */
export const SETTING_WRITERS: Readonly<Record<SettingModel['kind'], SettingWriter>> = {
  table_option: {
    kind: 'set_option',
    part: 'table',
    set: ({ table, key }, value) =>
      `alter table ${table} set (${optionName(key)} = ${text(value)})`,
    reset: ({ table, key }) => `alter table ${table} reset (${optionName(key)})`,
    blocksWriters: SHARE,
  },
  storage: {
    kind: 'set_option',
    part: 'column',
    set: (place, value) => `${alterColumn(place)} set storage ${value}`,
    reset: (place, version) =>
      version < 160_000 ? null : `${alterColumn(place)} set storage default`,
    blocksWriters: EXCLUSIVE,
  },
  compression: {
    kind: 'set_option',
    part: 'column',
    set: (place, value) => `${alterColumn(place)} set compression ${value}`,
    reset: (place) => `${alterColumn(place)} set compression default`,
    blocksWriters: EXCLUSIVE,
  },
  column_statistics: {
    kind: 'set_option',
    part: 'column',
    set: (place, value) => `${alterColumn(place)} set statistics ${value}`,
    reset: (place) => `${alterColumn(place)} set statistics -1`,
    blocksWriters: SHARE,
  },
  column_option: {
    kind: 'set_option',
    part: 'column',
    set: (place, value) => `${alterColumn(place)} set (${optionName(place.key)} = ${text(value)})`,
    reset: (place) => `${alterColumn(place)} reset (${optionName(place.key)})`,
    blocksWriters: SHARE,
  },
  index_statistics: {
    kind: 'set_index_option',
    part: 'index',
    set: ({ object, key }, value) =>
      `alter index ${object} alter column ${key} set statistics ${value}`,
    reset: ({ object, key }) => `alter index ${object} alter column ${key} set statistics -1`,
    blocksWriters: SHARE,
  },
  replica_identity: {
    kind: 'set_replica_identity',
    part: 'index',
    set: ({ table, object }, value) =>
      `alter table ${table} replica identity ${value === 'index' ? `using index ${object}` : value}`,
    reset: ({ table }) => `alter table ${table} replica identity default`,
    blocksWriters: EXCLUSIVE,
  },
  cluster: {
    kind: 'set_cluster',
    part: 'index',
    set: ({ table, object }) => `alter table ${table} cluster on ${object}`,
    reset: ({ table }) => `alter table ${table} set without cluster`,
    blocksWriters: SHARE,
  },
  table_comment: comment('table', ({ table }) => `table ${table}`),
  column_comment: comment('column', ({ table, object }) => `column ${table}.${object}`),
  constraint_comment: comment(
    'constraint',
    ({ table, object }) => `constraint ${object} on ${table}`,
  ),
  index_comment: comment('index', ({ object }) => `index ${object}`),
  sequence_comment: comment('sequence', ({ object }) => `sequence ${object}`),
};

function comment(
  part: SettingWriter['part'],
  target: (place: SettingPlace) => string,
): SettingWriter {
  return {
    kind: 'set_comment',
    part,
    set: (place, value) => `comment on ${target(place)} is ${text(value)}`,
    reset: (place) => `comment on ${target(place)} is null`,
    blocksWriters: SHARE,
  };
}

const alterColumn = ({ table, object }: SettingPlace): string =>
  `alter table only ${table} alter column ${object}`;

/** `toast.` is a namespace. */
const optionName = (key: string): string => key.split('.').map(quoteIdentifier).join('.');

const text = (value: string): string => quoteLiteral(value).trim();
