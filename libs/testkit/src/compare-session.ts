import pg from 'pg';
import { COMPARABLE_SESSION_SQL, type QuerySession } from './table-content.js';

/**
 * The planner cannot know how many parts there are, guesses as many as rows and sorts them; a hash of at most 65,536 parts is three times
 * as fast.
 */
const FAST_GROUPING_SQL = `set work_mem = '64MB'; set enable_sort = off`;

/** Runs `work` in one repeatable snapshot of the database, with the settings under which values compare. */
export function inSnapshot<T>(
  url: string,
  work: (session: QuerySession) => Promise<T>,
): Promise<T> {
  return withSession(url, async (session) => {
    await session.query('begin isolation level repeatable read read only');
    // The snapshot is taken by the first query, not by begin.
    await session.query('select 1');
    return work(session);
  });
}

/** Runs `work` in a session with the settings under which values compare; each query sees what is committed when it starts. */
export async function withSession<T>(
  url: string,
  work: (session: QuerySession) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'bunnydb compare' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(`${COMPARABLE_SESSION_SQL}; ${FAST_GROUPING_SQL}`);
    return await work(client);
  } finally {
    await client.end();
  }
}
