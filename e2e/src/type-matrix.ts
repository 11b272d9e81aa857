import { quoteIdentifier } from '@bunnydb/pg-model';
import { TYPE_KINDS, type TypeKind } from './type-kinds.js';

/** Ids of the rows that exist before the copy begin here; those of the stream begin further up. */
const COPY_ID = 1;
const STREAM_ID = 1001;
const REFRESH_ID = 2001;

/** One table per kind of type, and one with a column of every kind. */
export const MATRIX_TABLES: readonly string[] = [...TYPE_KINDS.map((kind) => kind.name), 'k_all'];

export const MATRIX_SCHEMA: string = [
  ...TYPE_KINDS.map(
    (kind) =>
      `create table ${kind.name} (id integer primary key, v ${kind.type}, w ${kind.type}, n integer not null default 0);`,
  ),
  `create table k_all (id integer primary key, ${TYPE_KINDS.map((kind) => `${quoteIdentifier(kind.name)} ${kind.type}`).join(', ')});`,
].join('\n');

/** The rows that the copy carries: every value, and a row of NULLs. */
export const MATRIX_ROWS_FOR_COPY: string = rowsFrom(COPY_ID);

/** The changes that the stream carries: the same values inserted, moved to other rows by UPDATE, set to NULL and back, deleted. */
export const MATRIX_CHANGES: string = [
  rowsFrom(STREAM_ID),
  rowsFrom(REFRESH_ID),
  ...TYPE_KINDS.flatMap(changesOf),
  `update k_all set id = id + 5000 where id = ${STREAM_ID};`,
  `update k_all a set (${allColumns()}) = (select ${allColumns()} from k_all b where b.id = ${REFRESH_ID}) where a.id = ${COPY_ID + 1};`,
  `delete from k_all where id = ${REFRESH_ID};`,
].join('\n');

function rowsFrom(firstId: number): string {
  const inserts = TYPE_KINDS.flatMap((kind) =>
    ['null', ...kind.values].map(
      (value, index) =>
        `insert into ${kind.name} (id, v, w) values (${firstId + index}, (${value})::${kind.type}, ` +
        `(${kind.values[(index + 1) % kind.values.length] ?? 'null'})::${kind.type});`,
    ),
  );
  const first = TYPE_KINDS.map((kind) => `(${kind.values[0] ?? 'null'})::${kind.type}`);
  return [
    ...inserts,
    `insert into k_all (id, ${allColumns()}) values (${firstId}, ${first.join(', ')});`,
    `insert into k_all (id) values (${firstId + 1});`,
  ].join('\n');
}

function changesOf(kind: TypeKind): string[] {
  const last = kind.values.length;
  return [
    // Each of the copied rows gets the value of the next one, the last one NULL; the other column stays.
    `update ${kind.name} a set v = (select b.v from ${kind.name} b where b.id = a.id + 1 and b.id < ${STREAM_ID}) where a.id < ${STREAM_ID};`,
    // A column that does not change beside one that does.
    `update ${kind.name} set n = n + 1 where id between ${STREAM_ID} and ${STREAM_ID + last};`,
    `update ${kind.name} set v = null where id = ${STREAM_ID + last};`,
    `update ${kind.name} set v = w, id = id + 5000 where id = ${STREAM_ID};`,
    `delete from ${kind.name} where id >= ${REFRESH_ID} and id < ${REFRESH_ID + 1000} and id % 2 = 0;`,
  ];
}

function allColumns(): string {
  return TYPE_KINDS.map((kind) => quoteIdentifier(kind.name)).join(', ');
}
