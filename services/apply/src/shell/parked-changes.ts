/**
 * Changes of tables outside the main lane, in `_bunny.parked_change`.
 *
 * The main lane's transaction writes them (`parkMessages`), together with the position, so that they are as durable and as exactly once as applied
 * changes. Whoever replays a table reads them in order with a session of its own (`readParked`), in pieces of bounded size, and deletes what it has
 * replayed in the transaction that replayed it (`deleteParkedUpTo`). Ids grow with the main lane's commits, which one session at a time
 * makes, one after the other: what a reader sees is always the beginning, with nothing missing in between.
 */
import type { PipelinedSession } from '@bunnydb/pg-client';
import type { QualifiedName } from '@bunnydb/pg-model';
import type { TableMessage } from '../core/change-message.js';
import { type ParkedMessage, decodeParked, mergeTransactions } from '../core/parked-message.js';
import {
  BINARY_COPY_END,
  BINARY_COPY_START,
  PARKED_COLUMNS,
  parkedTuple,
} from '../core/parked-tuple.js';
import type { StepSource } from '../core/work-step.js';
import type { SqlClient } from './bookkeeping.js';
import type { WriteLabel } from './write-label.js';

/** Whose parked changes. */
export interface ParkedOwner {
  readonly mirrorId: string;
  /** The source's name. */
  readonly table: QualifiedName;
}

/** A stretch of a table's parked changes. */
export type ParkedPiece = {
  /** The last id that is in it: what is to be deleted once it is replayed. */
  readonly lastId: bigint;
  readonly bytes: number;
} & (
  | { readonly kind: 'rows'; readonly sources: readonly StepSource[] }
  /** One row that is too large to be held. */
  | {
      readonly kind: 'row';
      readonly first: TableMessage;
      /** Its bytes; to be read to the end before the next piece is asked for. */
      readonly bytesOf: AsyncIterable<Uint8Array>;
    }
);

/** Writes messages into the open transaction; nothing is waited for but room in the socket. */
export async function parkMessages(
  session: PipelinedSession,
  { mirrorId, table }: ParkedOwner,
  messages: Iterable<ParkedMessage> | AsyncIterable<ParkedMessage>,
): Promise<void> {
  const label: WriteLabel = { action: 'park', source: table };
  session.beginCopy(
    `copy _bunny.parked_change (${PARKED_COLUMNS.join(', ')}) from stdin (format binary)`,
    { label },
  );
  session.copyData(BINARY_COPY_START);
  for await (const parked of messages) {
    session.copyData(parkedTuple(mirrorId, table, parked));
    if (parked.message.payload.length > 0) session.copyData(parked.message.payload);
    await session.drained();
  }
  session.copyData(BINARY_COPY_END);
  session.endCopy();
}

/**
 * Reads a table's parked changes in order, from behind `afterId` to what is committed when the end is reached. A piece is at most about
 * `bytesMax`, or one unit. The client must not be in a transaction whose snapshot is fixed.
 */
export async function* readParked(
  client: SqlClient,
  owner: ParkedOwner,
  options: { readonly afterId?: bigint; readonly bytesMax: number },
): AsyncGenerator<ParkedPiece, void, undefined> {
  let group: Entry[] = [];
  let bytes = 0;
  for await (const entry of readEntries(client, owner, options.afterId ?? 0n)) {
    const last = group.at(-1);
    if (last && last.parked.unit !== entry.parked.unit) {
      const isAlone = last.parked.isLargeRow || entry.parked.isLargeRow;
      if (isAlone || bytes >= options.bytesMax) {
        yield await pieceOf(client, owner, group, bytes);
        group = [];
        bytes = 0;
      }
    }
    group.push(entry);
    bytes += entry.bytes;
  }
  if (group.length > 0) yield await pieceOf(client, owner, group, bytes);
}

/** Forgets what is replayed, up to the id; as SQL with the parameters mirror id, schema, table, id. */
export const DELETE_PARKED = `
  delete from _bunny.parked_change
   where mirror_id = $1::text and source_schema = $2::text and source_table = $3::text and id <= $4::int8`;

/** How many bytes of payload are parked for a table. */
export async function countParkedBytes(
  client: SqlClient,
  { mirrorId, table }: ParkedOwner,
): Promise<number> {
  const { rows } = await client.query(
    `select coalesce(sum(octet_length(payload)), 0)::float8 as bytes from _bunny.parked_change
      where mirror_id = $1 and source_schema = $2 and source_table = $3`,
    [mirrorId, table.schema, table.table],
  );
  return Number(rows[0]?.['bytes']);
}

/** A parked message without its payload. */
interface Entry {
  readonly id: bigint;
  readonly bytes: number;
  readonly parked: ParkedMessage;
}

async function* readEntries(
  client: SqlClient,
  { mirrorId, table }: ParkedOwner,
  afterId: bigint,
): AsyncGenerator<Entry, void, undefined> {
  let lastId = afterId;
  for (;;) {
    const { rows } = await client.query(
      `select p.id::text, p.head::text, p.transactions, octet_length(p.payload) as bytes from _bunny.parked_change p
        where mirror_id = $1 and source_schema = $2 and source_table = $3 and id > $4::int8
        order by p.id limit ${ENTRIES_PER_PAGE}`,
      [mirrorId, table.schema, table.table, String(lastId)],
    );
    for (const row of rows) {
      lastId = BigInt(String(row['id']));
      const stored = { head: String(row['head']), transactions: String(row['transactions']) };
      const parked = decodeParked(stored, NOTHING);
      yield { id: lastId, bytes: Number(row['bytes']), parked };
    }
    if (rows.length < ENTRIES_PER_PAGE) return;
  }
}

async function pieceOf(
  client: SqlClient,
  owner: ParkedOwner,
  group: readonly Entry[],
  bytes: number,
): Promise<ParkedPiece> {
  const [first] = group;
  const lastId = group.at(-1)?.id ?? 0n;
  if (first?.parked.isLargeRow === true) {
    const bytesOf = readPayloads(client, owner, group);
    return { kind: 'row', first: first.parked.message, bytesOf, bytes, lastId };
  }
  const payloads = await loadPayloads(client, owner, first?.id ?? 0n, lastId);
  const units = new Map<string, ParkedMessage[]>();
  for (const { id, parked } of group) {
    const message = { ...parked.message, payload: payloads.get(id) ?? NOTHING };
    const unit = units.get(parked.unit);
    if (unit) unit.push({ ...parked, message });
    else units.set(parked.unit, [{ ...parked, message }]);
  }
  const sources = [...units.values()].map((unit) => ({
    messages: unit.map(({ message }) => message),
    transactions: mergeTransactions(unit),
  }));
  return { kind: 'rows', sources, bytes, lastId };
}

async function* readPayloads(
  client: SqlClient,
  owner: ParkedOwner,
  group: readonly Entry[],
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const { id } of group) {
    const payloads = await loadPayloads(client, owner, id, id);
    yield payloads.get(id) ?? NOTHING;
  }
}

async function loadPayloads(
  client: SqlClient,
  { mirrorId, table }: ParkedOwner,
  firstId: bigint,
  lastId: bigint,
): Promise<ReadonlyMap<bigint, Uint8Array>> {
  const { rows } = await client.query(
    `select id::text, payload from _bunny.parked_change
      where mirror_id = $1 and source_schema = $2 and source_table = $3 and id between $4::int8 and $5::int8`,
    [mirrorId, table.schema, table.table, String(firstId), String(lastId)],
  );
  return new Map(
    rows.map((row) => {
      const payload = row['payload'];
      return [BigInt(String(row['id'])), payload instanceof Uint8Array ? payload : NOTHING];
    }),
  );
}

const NOTHING = new Uint8Array();
const ENTRIES_PER_PAGE = 200;
