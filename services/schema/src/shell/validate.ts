import type { TableMapping, ValidateReply, ValidateRequest } from '@bunnydb/contracts';
import { type QualifiedName, quoteQualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import { adoptPublication } from '../core/adopt-publication.js';
import { judgePreflight } from '../core/preflight.js';
import type {
  DestinationFacts,
  PublicationFacts,
  PublishedTable,
  SourceFacts,
} from '../core/preflight-facts.js';
import { type RelationIndex, keyOf } from '../core/relation-facts.js';
import { resolveWishes } from '../core/resolve-wishes.js';
import { type OpenSecret, reachPeer } from './peer-session.js';
import { readRelations } from './read-relations.js';
import { readServerFacts } from './read-server-facts.js';
import { SELECT_PUBLICATION } from './sql/select-publication.js';
import { SELECT_SLOT_NAMES } from './sql/select-slot-names.js';
import { tryRowFilters } from './try-row-filters.js';

/** Answers `validate`: gathers the facts of both sides and has them judged. Changes nothing on either side. */
export async function validateMirror(
  request: ValidateRequest,
  openSecret: OpenSecret,
): Promise<ValidateReply> {
  const resolve = (relations: RelationIndex): ReturnType<typeof resolveWishes> =>
    resolveWishes(request.wishes, request.all_tables, relations);
  const source = await reachPeer({ peer: request.source, role: 'source', openSecret }, (client) =>
    readSource(client, request, resolve),
  );
  // Without the source, patterns cannot be resolved, and there is nothing to look for at the destination.
  const resolved = source.ok ? resolve(source.facts.relations) : { tables: [], problems: [] };
  const tables = source.ok ? adoptPublication(resolved.tables, source.facts) : resolved.tables;
  const destination = await reachPeer(
    { peer: request.destination, role: 'destination', openSecret },
    (client) => readDestination(client, tables),
  );
  const checks = judgePreflight({
    source,
    destination,
    tables,
    wishProblems: resolved.problems,
    publicationName: request.publication_name ?? null,
    slotName: request.replication_slot_name ?? null,
  });
  return { ok: true, checks, tables };
}

async function readSource(
  client: pg.Client,
  request: ValidateRequest,
  resolve: (relations: RelationIndex) => { readonly tables: readonly TableMapping[] },
): Promise<SourceFacts> {
  const server = await readServerFacts(client);
  const relations = await readRelations(client);
  const slots = await client.query<{ name: string }>(SELECT_SLOT_NAMES);
  const publication =
    request.publication_name === undefined
      ? null
      : await readPublication(client, request.publication_name);
  // A standby takes no publication, not even for a trial.
  const rowFilters = server.isStandby
    ? []
    : await tryRowFilters(client, resolve(relations).tables, relations);
  return {
    server,
    relations,
    slotNames: slots.rows.map((row) => row.name),
    publication,
    rowFilters,
  };
}

async function readPublication(client: pg.Client, name: string): Promise<PublicationFacts | null> {
  const { rows } = await client.query<PublicationRow>(SELECT_PUBLICATION, [name]);
  const [row] = rows;
  if (row === undefined) return null;
  const operations = [
    ['insert', row.pubinsert],
    ['update', row.pubupdate],
    ['delete', row.pubdelete],
    ['truncate', row.pubtruncate],
  ] as const;
  return {
    name,
    viaPartitionRoot: row.via_partition_root,
    operationsLeftOut: operations.filter(([, isOn]) => !isOn).map(([operation]) => operation),
    tables: new Map(
      row.tables.map(({ columns, rowFilter, ...name }) => [keyOf(name), { columns, rowFilter }]),
    ),
  };
}

async function readDestination(
  client: pg.Client,
  tables: readonly TableMapping[],
): Promise<DestinationFacts> {
  const server = await readServerFacts(client);
  const relations = await readRelations(client);
  const filledTables = new Set<string>();
  for (const { destination } of tables) {
    const relation = relations.find(destination);
    if (!relation?.canSelect) continue;
    // The rows of an inheriting table are not this table's.
    const only = relation.kind === 'table' ? 'only ' : '';
    const { rows } = await client.query<{ has_rows: boolean }>(
      `select exists (select from ${only}${quoteQualifiedName(destination)}) as has_rows`,
    );
    if (rows[0]?.has_rows) filledTables.add(keyOf(destination));
  }
  return { server, relations, filledTables };
}

interface PublicationRow {
  readonly via_partition_root: boolean;
  readonly pubinsert: boolean;
  readonly pubupdate: boolean;
  readonly pubdelete: boolean;
  readonly pubtruncate: boolean;
  readonly tables: readonly (QualifiedName & PublishedTable)[];
}
