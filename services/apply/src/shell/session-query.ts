import type { PipelinedSession } from '@bunnydb/pg-client';

/** Runs one query on a pipelined session and waits for its rows, all columns as text. Not for use inside an open group. */
export async function querySession(
  session: PipelinedSession,
  text: string,
  parameters: readonly string[] = [],
): Promise<readonly (readonly (string | null)[])[]> {
  const rows: (readonly (string | null)[])[] = [];
  const statement = session.prepare(text);
  session.execute(
    statement,
    parameters.map((value) => Buffer.from(value)),
    { onRow: (values) => rows.push(values) },
  );
  session.forget(statement);
  const outcome = await session.sync();
  if (!outcome.ok) throw outcome.error;
  return rows;
}
