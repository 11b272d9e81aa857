import type pg from 'pg';
import { quoteIdentifier } from '@bunnydb/pg-model';

export interface TableContent {
  readonly rows: string;
  readonly hash: string;
}

/** Row count and an order-independent hash of a table's rows: equal content gives equal answers on both sides. */
export async function tableContent(client: pg.Client, table: string): Promise<TableContent> {
  const { rows } = await client.query<TableContent>(
    `select count(*)::text as rows, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text as hash
     from ${quoteIdentifier(table)} t`,
  );
  const content = rows[0];
  if (!content) throw new Error('a count returned no row');
  return content;
}

/** @throws Error naming the first table whose content differs. */
export async function assertSameContent(
  source: pg.Client,
  destination: pg.Client,
  tables: readonly string[],
): Promise<void> {
  for (const table of tables) {
    const [left, right] = await Promise.all([
      tableContent(source, table),
      tableContent(destination, table),
    ]);
    if (left.rows !== right.rows || left.hash !== right.hash) {
      throw new Error(
        `table ${table} differs: ${left.rows} rows at the source, ${right.rows} at the destination`,
      );
    }
  }
}
