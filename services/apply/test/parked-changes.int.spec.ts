import { PipelinedSession, connectClient } from '@bunnydb/pg-client';
import { lsnFromBigInt } from '@bunnydb/pg-model';
import { type TestDatabase, createDatabase } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ParkedMessage } from '../src/core/parked-message.js';
import { ensureBookkeeping } from '../src/shell/bookkeeping.js';
import { DELETE_PARKED, parkMessages, readParked } from '../src/shell/parked-changes.js';

const table = { schema: 'public', table: 'odd "name"' };
const owner = { mirrorId: 'm1', table };
let database: TestDatabase;
let client: Awaited<ReturnType<typeof connect>>;

function connect() {
  return connectClient(
    {
      host: database.host,
      port: database.port,
      user: database.user,
      password: database.password,
      database: database.name,
      sslMode: 'disable',
      applicationName: 'parked test',
    },
    { role: 'destination' },
  );
}

beforeAll(async () => {
  database = await createDatabase({ prefix: 'parked' });
  client = await connect();
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

function parked(batch: string, payload: string, more: Partial<ParkedMessage> = {}): ParkedMessage {
  const lsn = lsnFromBigInt(0x100n);
  return {
    unit: batch,
    isLargeRow: false,
    transactions: [
      {
        xid: 1,
        commitLsn: lsn,
        endLsn: lsnFromBigInt(0x120n),
        commitTime: '2026-01-01T00:00:00Z',
        lastSeq: 9,
      },
    ],
    message: {
      kind: 'table',
      streamSeq: 7,
      payload: Buffer.from(payload),
      head: {
        epoch: '1',
        batch,
        segment: 0,
        table,
        columns: ['id', 'a,b'],
        key: ['id'],
        identity: 'd',
        old: [],
        ops: { inserts: 1, updates: 0, deletes: 0 },
        firstSeq: 1,
        lastSeq: 1,
        hasUnchanged: false,
        continues: false,
        truncate: null,
        firstLsn: lsn,
        lastLsn: lsn,
      },
    },
    ...more,
  };
}

describe('the bookkeeping', () => {
  it('of an older version is brought up to date, its rows stay, and twice changes nothing', async () => {
    await client.query('create schema _bunny');
    await client.query(
      `create table _bunny.table_state (mirror_id text, source_schema text, source_table text,
         destination_schema text not null, destination_table text not null, state text not null, copy_lsn pg_lsn, reason text,
         rows_copied bigint not null default 0, rows_inserted bigint not null default 0, rows_updated bigint not null default 0,
         rows_deleted bigint not null default 0, last_synced_at timestamptz, updated_at timestamptz not null default now(),
         primary key (mirror_id, source_schema, source_table))`,
    );
    await client.query(
      `insert into _bunny.table_state (mirror_id, source_schema, source_table, destination_schema, destination_table, state, reason)
       values ('old', 's', 't', 's', 't', 'running', 'a word')`,
    );
    await Promise.all([ensureBookkeeping(client), upgradeBeside()]);
    await ensureBookkeeping(client);
    const { rows } = await client.query(
      `select state, reason->>'message' as reason, attempts, skipped_lsns::text as skipped from _bunny.table_state`,
    );
    expect(rows).toEqual([{ state: 'running', reason: 'a word', attempts: 0, skipped: '{}' }]);
    const tables = await client.query(
      `select count(*)::int as n from pg_class c join pg_namespace n on n.oid = c.relnamespace where nspname = '_bunny' and relkind = 'r'`,
    );
    expect(tables.rows).toEqual([{ n: 5 }]);
  });

  async function upgradeBeside(): Promise<void> {
    const other = await connect();
    await ensureBookkeeping(other);
    await other.end();
  }
});

describe('parked changes', () => {
  it('come back as they were, in order, whole units at a time, and a row in pieces comes in pieces', async () => {
    const session = PipelinedSession.takeOver(await connect());
    session.run('begin');
    await parkMessages(session, owner, [
      parked('1-1', 'I\t1\t\\N\t1\tx\\ty\n'),
      parked('1-1', ''),
      parked('1-2', 'I\t1\t\\N\t2\té\n'),
      parked('1-3/1', 'I\t1\t\\N\t3\tlong', { isLargeRow: true }),
      parked('1-3/1', ' row\n', { isLargeRow: true }),
      parked('1-4', 'D\t1\t\\N\t3\t\\N\n'),
    ]);
    session.run('commit');
    expect(await session.sync()).toEqual({ ok: true });
    const seen: string[][] = [];
    let lastId = 0n;
    for await (const piece of readParked(client, owner, { bytesMax: 1 })) {
      lastId = piece.lastId;
      const texts: string[] = [piece.kind];
      if (piece.kind === 'rows')
        for (const { messages } of piece.sources)
          texts.push(...messages.map(({ payload }) => Buffer.from(payload).toString()));
      else for await (const bytes of piece.bytesOf) texts.push(Buffer.from(bytes).toString());
      seen.push(texts);
    }
    expect(seen).toEqual([
      ['rows', 'I\t1\t\\N\t1\tx\\ty\n', ''],
      ['rows', 'I\t1\t\\N\t2\té\n'],
      ['row', 'I\t1\t\\N\t3\tlong', ' row\n'],
      ['rows', 'D\t1\t\\N\t3\t\\N\n'],
    ]);
    for await (const piece of readParked(client, owner, { bytesMax: 1_000_000 })) {
      if (piece.kind !== 'rows') continue;
      expect(piece.sources[0]?.messages[0]?.head.columns).toEqual(['id', 'a,b']);
      expect(piece.sources[0]?.transactions).toHaveLength(1);
    }
    await client.query(DELETE_PARKED, ['m1', table.schema, table.table, String(lastId)]);
    expect((await client.query('select 1 from _bunny.parked_change')).rows).toEqual([]);
    await session.close();
  });
});
