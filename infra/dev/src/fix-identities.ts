import pg from 'pg';
import { UserProblem } from './user-problem.js';

/** So that the application is never held up for long behind a statement that waits for a busy table. */
const LOCK_TIMEOUT_MS = 10_000;

/**
 * Runs `ALTER TABLE … REPLICA IDENTITY FULL` statements on the source, each on its own.
 *
 * @throws UserProblem that names the statement which failed, and what to do.
 */
export async function fixIdentities(
  sourceUrl: string,
  statements: readonly string[],
): Promise<void> {
  const client = new pg.Client({ connectionString: sourceUrl, application_name: 'bunnydb fix' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(`set lock_timeout = ${LOCK_TIMEOUT_MS}; set search_path = ''`);
    for (const statement of statements) {
      try {
        await client.query(statement);
      } catch (error) {
        throw new UserProblem(`${statement} failed at the source: ${reasonOf(error)}`, error);
      }
    }
  } finally {
    await client.end();
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof pg.DatabaseError ? error.code : undefined;
  if (code === '55P03') return 'the table is busy; run it yourself at a quiet moment.';
  if (code === '42501') return "only the table's owner may; run it as the owner.";
  return `SQLSTATE ${code ?? 'unknown'}.`;
}
