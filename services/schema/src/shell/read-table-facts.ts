import type { QualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import type { TableFacts } from '../core/table-facts.js';
import { SELECT_OBSTACLES } from './sql/select-obstacles.js';
import { SELECT_TABLE_FACTS } from './sql/select-table-facts.js';

/** What a table is and what hangs on it; undefined when there is no table of this name. */
export async function readTableFacts(
  client: pg.Client,
  name: QualifiedName,
): Promise<TableFacts | undefined> {
  const { rows } = await client.query<{ facts: Omit<TableFacts, 'name'> }>(SELECT_TABLE_FACTS, [
    name.schema,
    name.table,
  ]);
  const facts = rows[0]?.facts;
  return facts && { name, ...facts };
}

/** Of these tables, those that cannot be put away for another, with the reasons. */
export async function readObstacles(
  client: pg.Client,
  names: readonly QualifiedName[],
): Promise<readonly (QualifiedName & Pick<TableFacts, 'obstacles'>)[]> {
  const { rows } = await client.query<QualifiedName & Pick<TableFacts, 'obstacles'>>(
    SELECT_OBSTACLES,
    [names.map(({ schema }) => schema), names.map(({ table }) => table)],
  );
  return rows;
}
