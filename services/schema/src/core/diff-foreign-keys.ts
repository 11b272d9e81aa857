import {
  type QualifiedName,
  formatQualifiedName,
  quoteIdentifier,
  quoteQualifiedName,
} from '@bunnydb/pg-model';
import type { FoundObject } from './carried-objects.js';
import { renameConstraint } from './diff-renamed-objects.js';
import type { FindDestination } from './pair-relations.js';
import { blocking, changeOf, dropTraits, online } from './structure-change.js';
import type { ForeignKeyModel } from './structure-model.js';
import {
  type DiffOptions,
  type DiffSink,
  type TablePair,
  excludedColumn,
  foundObject,
  meetCounterpart,
  objectText,
  pickAlike,
  tableSql,
  tableText,
} from './table-pair.js';

/** Foreign keys of a table. A key to a table outside the mirror is told: it cannot hold where that table is not kept. */
export function diffForeignKeys(
  pair: TablePair,
  options: DiffOptions,
  findDestination: FindDestination,
  sink: DiffSink,
): void {
  const unmatched = new Set(pair.destination.foreignKeys);
  for (const key of pair.source.foreignKeys) {
    const referenced = findDestination(key.referenced);
    const hindrance = hindranceOf(pair, key, referenced, options);
    if (referenced === undefined || hindrance !== undefined) {
      const same = [...unmatched].find((other) => other.name === key.name);
      if (same) {
        unmatched.delete(same);
        sink.carried.isOurs(foundKey(pair, same));
      }
      sink.notes.push({ object: objectText(pair, key.name), reason: hindrance ?? 'outside' });
      continue;
    }
    const wanted = wantedKey(key, referenced, options);
    const definition = definitionOf(wanted);
    const alike = [...unmatched].filter((other) => definitionOf(other) === definition);
    const match = pickAlike(key, alike, pair.source.foreignKeys);
    sink.counterparts.set(pair.destination.name, 'constraint', key.name, match?.name ?? key.name);
    if (match) {
      unmatched.delete(match);
      if (!match.isValidated && wanted.isValidated) validateKey(pair, match.name, wanted, sink);
      if (meetCounterpart(pair, key.name, foundKey(pair, match), sink)) {
        renameConstraint(pair, match.name, key.name, sink);
      }
      continue;
    }
    const inTheWay = [...unmatched].find((other) => other.name === key.name);
    if (inTheWay) {
      // The source's own, which is only not checked when the strategy says.
      const isSame = definitionOf(inTheWay) === definitionOf({ ...key, referenced });
      if (isSame) sink.carried.note(foundKey(pair, inTheWay));
      unmatched.delete(inTheWay);
      sink.counterparts.replace(pair.destination.name, 'constraint', inTheWay.name);
    }
    addKey(pair, wanted, inTheWay, sink);
  }
  for (const key of unmatched) dropKey(pair, key, sink);
}

function foundKey(pair: TablePair, key: ForeignKeyModel): FoundObject {
  return foundObject(pair, 'constraint', key.name, definitionOf(key));
}

function hindranceOf(
  pair: TablePair,
  key: ForeignKeyModel,
  referenced: QualifiedName | undefined,
  options: DiffOptions,
): string | undefined {
  if (referenced === undefined) {
    return `the foreign key points to ${formatQualifiedName(key.referenced)}, which is not in the mirror`;
  }
  const excluded = excludedColumn(pair, key.columns);
  if (excluded !== undefined) {
    return `the foreign key needs the column ${excluded}, which the mirror leaves out`;
  }
  if (!options.silencesForeignKeyActions && (isAct(key.onDelete) || isAct(key.onUpdate))) {
    return 'the foreign key acts on rows, and the destination user may not keep it from doing so: GRANT SET ON PARAMETER session_replication_role';
  }
  return undefined;
}

/** The source's key with the names of the destination, and checked when the strategy says. */
function wantedKey(
  key: ForeignKeyModel,
  referenced: QualifiedName,
  options: DiffOptions,
): ForeignKeyModel {
  const isDeferred = options.foreignKeyStrategy === 'defer' && key.isEnforced;
  return {
    ...key,
    referenced,
    isDeferrable: isDeferred || key.isDeferrable,
    isInitiallyDeferred: isDeferred || key.isInitiallyDeferred,
  };
}

/** The key as SQL, from its parts. */
export function definitionOf(key: ForeignKeyModel): string {
  const list = (columns: readonly string[]): string =>
    columns
      .map((column, index) =>
        key.hasPeriod && index === columns.length - 1
          ? `period ${quoteIdentifier(column)}`
          : quoteIdentifier(column),
      )
      .join(', ');
  const parts = [
    `foreign key (${list(key.columns)})`,
    `references ${quoteQualifiedName(key.referenced)} (${list(key.referencedColumns)})`,
  ];
  if (key.isMatchFull) parts.push('match full');
  if (key.onUpdate !== 'no action') parts.push(`on update ${key.onUpdate}`);
  if (key.onDelete !== 'no action') {
    const set = key.onDeleteColumns.map(quoteIdentifier).join(', ');
    parts.push(`on delete ${key.onDelete}${set === '' ? '' : ` (${set})`}`);
  }
  if (key.isDeferrable) parts.push('deferrable');
  if (key.isInitiallyDeferred) parts.push('initially deferred');
  if (!key.isEnforced) parts.push('not enforced');
  return parts.join(' ');
}

function addKey(
  pair: TablePair,
  key: ForeignKeyModel,
  inTheWay: ForeignKeyModel | undefined,
  sink: DiffSink,
): void {
  const replaces = inTheWay !== undefined;
  const name = quoteIdentifier(key.name);
  // Before PostgreSQL 18 a key of a partitioned table is made and checked in one go.
  const isValidatedAfter = !pair.destination.isPartitioned && key.isEnforced;
  const notValid = isValidatedAfter ? ' not valid' : '';
  const drop = blocking(`alter table ${tableSql(pair)} drop constraint ${name}`);
  sink.changes.push(
    changeOf({
      kind: replaces ? 'replace_foreign_key' : 'add_foreign_key',
      object: objectText(pair, key.name),
      table: tableText(pair),
      statements: [
        ...(replaces ? [drop] : []),
        blocking(
          `alter table ${tableSql(pair)} add constraint ${name} ${definitionOf(key)}${notValid}`,
        ),
      ],
      locks: isValidatedAfter
        ? 'SHARE ROW EXCLUSIVE on both tables, briefly'
        : 'SHARE ROW EXCLUSIVE on both tables, as long as it takes to check all rows',
      overwrites: inTheWay !== undefined && !sink.carried.isOurs(foundKey(pair, inTheWay)),
      reason: replaces
        ? 'the foreign key is defined otherwise'
        : 'the destination lacks the foreign key',
      ...(isValidatedAfter ? {} : { countOffending: countOrphans(pair, key) }),
    }),
  );
  if (isValidatedAfter && key.isValidated) validateKey(pair, key.name, key, sink);
}

function validateKey(pair: TablePair, name: string, key: ForeignKeyModel, sink: DiffSink): void {
  sink.changes.push(
    changeOf({
      kind: 'validate_foreign_key',
      object: objectText(pair, name),
      table: tableText(pair),
      statements: [
        online(`alter table ${tableSql(pair)} validate constraint ${quoteIdentifier(name)}`),
      ],
      locks: 'SHARE UPDATE EXCLUSIVE on the table and ROW SHARE on the other: rows can be written',
      reason: 'the foreign key holds for new rows only',
      countOffending: countOrphans(pair, key),
    }),
  );
}

/** Rows that point to nothing; with MATCH FULL also those that are only partly NULL. */
function countOrphans(pair: TablePair, key: ForeignKeyModel): string {
  const ours = key.columns.map((column) => `c.${quoteIdentifier(column)}`);
  const theirs = key.referencedColumns.map((column) => `p.${quoteIdentifier(column)}`);
  const joined = ours.map((column, index) => `${theirs[index] ?? column} = ${column}`);
  const complete = ours.map((column) => `${column} is not null`).join(' and ');
  const orphan = `${complete} and not exists (select from ${quoteQualifiedName(key.referenced)} p where ${joined.join(' and ')})`;
  const partly = `not (${complete}) and pg_catalog.num_nonnulls(${ours.join(', ')}) > 0`;
  const condition = key.isMatchFull ? `(${orphan}) or (${partly})` : orphan;
  return `select pg_catalog.count(*)::pg_catalog.text as rows from ${tableSql(pair)} c where ${condition}`;
}

function dropKey(pair: TablePair, key: ForeignKeyModel, sink: DiffSink): void {
  const carried = sink.carried.find(foundKey(pair, key));
  if (carried) sink.counterparts.replace(pair.destination.name, 'constraint', key.name);
  sink.changes.push(
    changeOf({
      kind: 'drop_foreign_key',
      object: objectText(pair, key.name),
      table: tableText(pair),
      statements: [
        blocking(`alter table ${tableSql(pair)} drop constraint ${quoteIdentifier(key.name)}`),
      ],
      locks: 'ACCESS EXCLUSIVE on both tables, briefly',
      ...dropTraits(carried, 'the foreign key'),
    }),
  );
}

const isAct = (action: ForeignKeyModel['onDelete']): boolean =>
  action !== 'no action' && action !== 'restrict';
