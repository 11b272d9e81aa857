import { type QualifiedName, quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import { buildIndexStatements, indexNameOnShadow, optionSql } from './shadow-create.js';
import { shadowObjectName } from './shadow-name.js';
import type { StatisticsFacts, TableFacts } from './table-facts.js';

/**
 * What a loaded shadow lacks of the table, but for what can only be done in the moment of the swap. It may take long, and nobody waits for it. What an earlier
 * try made is not made again.
 */
export function buildShadowStatements(table: TableFacts, shadow: TableFacts): readonly string[] {
  const name = quoteQualifiedName(shadow.name);
  const has = new Set([
    ...shadow.indexes.map((index) => index.name),
    ...shadow.statistics.map((statistics) => statistics.name),
  ]);
  const statements: string[] = [];
  for (const index of table.indexes) {
    // What a cut-off concurrent build left behind is not worth carrying along.
    if (!index.isValid || has.has(indexNameOnShadow(index, shadow.name))) continue;
    statements.push(...buildIndexStatements(index, shadow.name));
  }
  for (const check of table.checks) {
    if (shadow.checks.some((other) => other.name === check.name)) continue;
    statements.push(
      `alter table ${name} add constraint ${quoteIdentifier(check.name)} ${check.definition}`,
    );
  }
  for (const column of table.columns) {
    const alter = `alter table ${name} alter column ${quoteIdentifier(column.name)}`;
    if (column.statistics !== null) statements.push(`${alter} set statistics ${column.statistics}`);
    if (column.options !== null) {
      statements.push(`${alter} set (${column.options.map(optionSql).join(', ')})`);
    }
  }
  for (const statistics of table.statistics) {
    if (has.has(statisticsNameOnShadow(statistics, shadow.name))) continue;
    statements.push(...createStatisticsStatements(statistics, shadow.name));
  }
  return [...statements, `analyze ${name}`];
}

export function statisticsNameOnShadow(statistics: StatisticsFacts, shadow: QualifiedName): string {
  const { kinds, columns } = statistics;
  return shadowObjectName(shadow, statistics.name, `${kinds.join(',')}\0${columns}`);
}

/** Statistics on one expression have no kinds that could be named. */
function createStatisticsStatements(
  statistics: StatisticsFacts,
  shadow: QualifiedName,
): readonly string[] {
  const name = quoteQualifiedName({
    schema: statistics.schema,
    table: statisticsNameOnShadow(statistics, shadow),
  });
  const kinds = statistics.kinds.length === 0 ? '' : ` (${statistics.kinds.join(', ')})`;
  const create = `create statistics ${name}${kinds} on ${statistics.columns} from ${quoteQualifiedName(shadow)}`;
  return statistics.target === null
    ? [create]
    : [create, `alter statistics ${name} set statistics ${statistics.target}`];
}
