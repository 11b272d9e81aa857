import { type QualifiedName, quoteLiteral, quoteQualifiedName } from '@bunnydb/pg-model';
import type { FoundObject } from './carried-objects.js';
import { type ChangeStatement, changeOf, dropTraits, online } from './structure-change.js';
import type { StatisticsModel } from './structure-model.js';
import {
  type DiffSink,
  type TablePair,
  excludedColumn,
  foundObject,
  objectText,
  tableSql,
  tableText,
} from './table-pair.js';

/** Extended statistics objects, with their target and comment. They are the same when they are of the same columns, expressions and kinds. */
export function diffStatistics(pair: TablePair, sink: DiffSink): void {
  const unmatched = new Set(pair.destination.statistics);
  const missing = pair.source.statistics.filter((object) => {
    const match = [...unmatched]
      .filter((other) => traitsOf(other) === traitsOf(object))
      .toSorted((a, b) => Number(b.name === object.name) - Number(a.name === object.name))[0];
    if (match === undefined) return true;
    unmatched.delete(match);
    diffTraits(pair, object, match, sink);
    const isNamedAlike = match.name === statisticsName(pair, object).table;
    if (isNamedAlike) sink.carried.note(foundStatistics(pair, match));
    else sink.carried.isOurs(foundStatistics(pair, match));
    return false;
  });
  for (const object of missing) {
    const excluded = excludedColumn(pair, object.columns);
    if (excluded !== undefined) {
      const reason = `the statistics need the column ${excluded}, which the mirror leaves out`;
      sink.notes.push({ object: objectText(pair, object.name), reason });
      continue;
    }
    const name = statisticsName(pair, object);
    const inTheWay = [...unmatched].find(
      (other) => quoteQualifiedName(nameOf(other)) === quoteQualifiedName(name),
    );
    if (inTheWay) unmatched.delete(inTheWay);
    create(pair, object, name, inTheWay, sink);
  }
  for (const object of unmatched) {
    sink.changes.push(
      changeOf({
        kind: 'drop_statistics',
        object: objectText(pair, object.name),
        table: tableText(pair),
        statements: [online(`drop statistics ${quoteQualifiedName(nameOf(object))}`)],
        locks: LOCKS,
        ...dropTraits(sink.carried.find(foundStatistics(pair, object)), 'the statistics'),
      }),
    );
  }
}

function foundStatistics(pair: TablePair, object: StatisticsModel): FoundObject {
  return foundObject(pair, 'statistics', object.name, traitsOf(object));
}

/** Makes a statistics object of a table, names as they are in the object. */
export function createStatisticsSql(object: StatisticsModel, table: string): string {
  const kinds = object.kinds.length === 0 ? '' : ` (${object.kinds.join(', ')})`;
  return `create statistics ${quoteQualifiedName(nameOf(object))}${kinds} on ${object.body} from ${table}`;
}

function create(
  pair: TablePair,
  object: StatisticsModel,
  name: QualifiedName,
  inTheWay: StatisticsModel | undefined,
  sink: DiffSink,
): void {
  const sql = quoteQualifiedName(name);
  sink.changes.push(
    changeOf({
      kind: inTheWay ? 'replace_statistics' : 'create_statistics',
      object: objectText(pair, name.table),
      table: tableText(pair),
      statements: [
        ...(inTheWay ? [online(`drop statistics ${sql}`)] : []),
        online(
          createStatisticsSql({ ...object, schema: name.schema, name: name.table }, tableSql(pair)),
        ),
        ...(object.target === null ? [] : [targetStatement(sql, object.target)]),
        ...(object.comment === null ? [] : [commentStatement(sql, object.comment)]),
      ],
      locks: LOCKS,
      overwrites: inTheWay !== undefined && !sink.carried.isOurs(foundStatistics(pair, inTheWay)),
      reason: inTheWay
        ? 'the statistics are of something else'
        : 'the destination lacks the statistics',
    }),
  );
}

function diffTraits(
  pair: TablePair,
  object: StatisticsModel,
  match: StatisticsModel,
  sink: DiffSink,
): void {
  const sql = quoteQualifiedName(nameOf(match));
  const place = {
    object: objectText(pair, match.name),
    table: tableText(pair),
    locks: LOCKS,
  };
  if (object.target !== match.target) {
    sink.changes.push(
      changeOf({
        ...place,
        kind: 'set_statistics_target',
        statements: [targetStatement(sql, object.target ?? -1)],
        overwrites: match.target !== null,
        reason: 'the statistics target differs',
      }),
    );
  }
  if (object.comment !== null && object.comment !== match.comment) {
    sink.changes.push(
      changeOf({
        ...place,
        kind: 'set_comment',
        statements: [commentStatement(sql, object.comment)],
        overwrites: match.comment !== null,
        reason:
          match.comment === null ? 'the destination lacks the comment' : 'the comment differs',
      }),
    );
  }
}

/** Beside the table where they are on the source, and after its name where they are called so. */
function statisticsName(
  { source, destination }: TablePair,
  object: StatisticsModel,
): QualifiedName {
  const isNamedAfter =
    source.name.table !== destination.name.table && object.name.startsWith(`${source.name.table}_`);
  return {
    schema: object.schema === source.name.schema ? destination.name.schema : object.schema,
    table: isNamedAfter
      ? `${destination.name.table}${object.name.slice(source.name.table.length)}`
      : object.name,
  };
}

const nameOf = (object: StatisticsModel): QualifiedName => ({
  schema: object.schema,
  table: object.name,
});
const traitsOf = (object: StatisticsModel): string => JSON.stringify([object.kinds, object.body]);
const targetStatement = (sql: string, target: number): ChangeStatement =>
  online(`alter statistics ${sql} set statistics ${target}`);
const commentStatement = (sql: string, text: string): ChangeStatement =>
  online(`comment on statistics ${sql} is ${quoteLiteral(text).trim()}`);

const LOCKS = 'SHARE UPDATE EXCLUSIVE on the table: rows can be written meanwhile';
