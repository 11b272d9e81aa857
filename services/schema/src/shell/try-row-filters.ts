import type { TableMapping } from '@bunnydb/contracts';
import { sqlstateOf } from '@bunnydb/pg-client';
import { quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import type { RowFilterFacts } from '../core/preflight-facts.js';
import type { RelationIndex } from '../core/relation-facts.js';
import { SELECT_FILTER_COLUMNS } from './sql/select-filter-columns.js';

/**
 * Tries each row filter the only way that gives PostgreSQL's own verdict: a publication with it, made in a transaction that is rolled back.
 * The extended protocol takes one statement only, so a filter cannot end ours and begin another.
 */
export async function tryRowFilters(
  client: pg.Client,
  tables: readonly TableMapping[],
  relations: RelationIndex,
): Promise<readonly RowFilterFacts[]> {
  const facts: RowFilterFacts[] = [];
  for (const { source, row_filter: filter } of tables) {
    const table = relations.find(source);
    if (filter === undefined || table === undefined) continue;
    const verdict = await tryRowFilter(client, quoteQualifiedName(source), filter);
    // A lacking privilege is another check's to tell; the filter was not looked at.
    if (verdict.sqlstate !== INSUFFICIENT_PRIVILEGE) facts.push({ table, ...verdict });
  }
  return facts;
}

async function tryRowFilter(
  client: pg.Client,
  table: string,
  filter: string,
): Promise<{ sqlstate: string | null; columns: readonly string[] }> {
  await client.query('begin');
  try {
    // By the root, as the mirror's own publication: else PostgreSQL takes no filter on a partitioned table.
    const trial: pg.QueryConfig & { readonly queryMode: 'extended' } = {
      text: `create publication ${quoteIdentifier(TRIAL_NAME)} for table ${table} where (${filter}\n) with (publish_via_partition_root = true)`,
      queryMode: 'extended',
    };
    await client.query(trial);
    const { rows } = await client.query<{ name: string }>(SELECT_FILTER_COLUMNS, [TRIAL_NAME]);
    return { sqlstate: null, columns: rows.map((row) => row.name) };
  } catch (error) {
    const sqlstate = sqlstateOf(error);
    // Anything else (a lock, a cancelled statement) says nothing about the filter.
    if (sqlstate === undefined || !VERDICT_CLASSES.has(sqlstate.slice(0, 2))) throw error;
    return { sqlstate, columns: [] };
  } finally {
    await client.query('rollback');
  }
}

const TRIAL_NAME = '_bunny_row_filter_trial';
const INSUFFICIENT_PRIVILEGE = '42501';
/** Feature not supported, data exception, syntax error or access rule violation. */
const VERDICT_CLASSES = new Set(['0A', '22', '42']);
