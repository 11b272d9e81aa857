import { type ConnectionSettings, closeSession, connectClient } from '@bunnydb/pg-client';
import type { QualifiedName } from '@bunnydb/pg-model';
import { oidOf } from '../core/mark-decision.js';
import type { MirrorTables } from '../core/mirror-tables.js';

/**
 * Asks the source what a name stands for that the mirror does not have: rare, since marks tell renames. The table that has this name is one of ours if
 * its number is; if none of our numbers is known to be it, one of ours that has that number under its own name by now, or is gone from there, must be it, as far
 * as anybody can tell. Else the table left the mirror.
 *
 * @param told the number that a mark gave; without one, that of whatever has the name now.
 */
export async function findRenamedTable(
  source: ConnectionSettings,
  { name, told }: { readonly name: QualifiedName; readonly told?: number | undefined },
  tables: MirrorTables,
  signal: AbortSignal,
): Promise<QualifiedName | undefined> {
  const client = await connectClient(source, { role: 'source', signal });
  try {
    const oid = told ?? (await oidUnder(client, name));
    const byNumber = tables.all.find(
      ({ relation }) => oid !== undefined && oidOf(relation) === oid,
    );
    if (byNumber) return byNumber.mapping.source;
    for (const { mapping, relation } of tables.all) {
      if (oidOf(relation) !== undefined) continue;
      const own = await oidUnder(client, mapping.source);
      if (own === undefined || own === oid) return mapping.source;
    }
    return undefined;
  } finally {
    await closeSession(client);
  }
}

async function oidUnder(
  client: Awaited<ReturnType<typeof connectClient>>,
  { schema, table }: QualifiedName,
): Promise<number | undefined> {
  const { rows } = await client.query<{ oid: string }>(
    `select c.oid::int8::text as oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relname = $2`,
    [schema, table],
  );
  return rows[0] && Number(rows[0].oid);
}
