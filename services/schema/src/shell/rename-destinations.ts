import type { MirrorSpec, TableMapping } from '@bunnydb/contracts';
import { FailureKind, MirrorError } from '@bunnydb/failure';
import { toMirrorError } from '@bunnydb/pg-client';
import {
  type QualifiedName,
  formatQualifiedName,
  quoteIdentifier,
  quoteQualifiedName,
} from '@bunnydb/pg-model';
import type pg from 'pg';
import { keyOf } from '../core/relation-facts.js';

/**
 * Gives destination tables the names that their sources have now. Where a table has the new name already, nothing is done: it was renamed before, or is somebody else's, which whoever judges the
 * destination then says. But where the mirror's rows are still under the former name, the other one is in the way.
 *
 * @throws MirrorError that names the table.
 */
export async function renameDestinations(client: pg.Client, spec: MirrorSpec): Promise<void> {
  const taken = new Set(spec.tables.map(({ destination }) => keyOf(destination)));
  for (const mapping of spec.tables) {
    const former = await findFormer(client, spec.id, mapping, taken);
    if (former === undefined) continue;
    if (await isThere(client, mapping.destination)) throw nameTaken(mapping.destination, former);
    try {
      // Asked for first: "if not exists" would want the right to create one.
      const { rows } = await client.query<{ present: boolean }>(
        `select exists (select from pg_catalog.pg_namespace where nspname = $1) as present`,
        [mapping.destination.schema],
      );
      await client.query(renameSql(former, mapping.destination, rows[0]?.present === true));
    } catch (error) {
      const table = formatQualifiedName(mapping.destination);
      throw toMirrorError(error, { role: 'destination', table, step: 'rename the table' });
    }
  }
}

async function findFormer(
  client: pg.Client,
  mirrorId: string,
  { destination, former_destinations: former = [] }: TableMapping,
  taken: ReadonlySet<string>,
): Promise<QualifiedName | undefined> {
  const candidates = former.filter((name) => !taken.has(keyOf(name))).toReversed();
  if (candidates.length === 0) return undefined;
  const isDone = await isThere(client, destination);
  for (const name of candidates) {
    if (!(await isThere(client, name))) continue;
    if (!isDone || (await isPlaceOfRows(client, mirrorId, name))) return name;
  }
  return undefined;
}

async function isThere(client: pg.Client, name: QualifiedName): Promise<boolean> {
  const { rows } = await client.query<{ present: boolean }>(
    `select pg_catalog.to_regclass($1) is not null as present`,
    [quoteQualifiedName(name)],
  );
  return rows[0]?.present === true;
}

/** Whether the mirror's rows are noted to be in the table. */
async function isPlaceOfRows(
  client: pg.Client,
  mirrorId: string,
  { schema, table }: QualifiedName,
): Promise<boolean> {
  if (!(await isThere(client, { schema: '_bunny', table: 'table_state' }))) return false;
  const { rows } = await client.query(
    `select from _bunny.table_state where mirror_id = $1 and destination_schema = $2 and destination_table = $3`,
    [mirrorId, schema, table],
  );
  return rows.length > 0;
}

function nameTaken(destination: QualifiedName, former: QualifiedName): MirrorError {
  const [wanted, present] = [formatQualifiedName(destination), formatQualifiedName(former)];
  return new MirrorError(
    FailureKind.SchemaMismatch,
    `the destination's ${present} cannot be renamed to ${wanted}, as its source was: another table has that name; rename or drop it, and the mirror goes on`,
    { detail: { role: 'destination', table: wanted, step: 'rename the table' } },
  );
}

/** One text, which PostgreSQL runs in one transaction. */
function renameSql(from: QualifiedName, to: QualifiedName, hasSchema: boolean): string {
  const schema = quoteIdentifier(to.schema);
  const between = { schema: from.schema, table: to.table };
  return [
    ...(from.table === to.table
      ? []
      : [`alter table ${quoteQualifiedName(from)} rename to ${quoteIdentifier(to.table)}`]),
    ...(from.schema === to.schema
      ? []
      : [
          ...(hasSchema ? [] : [`create schema ${schema}`]),
          `alter table ${quoteQualifiedName(between)} set schema ${schema}`,
        ]),
  ].join('; ');
}
