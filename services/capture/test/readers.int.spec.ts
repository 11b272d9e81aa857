import { openReplication, settingsOf } from '@bunnydb/pg-client';
import { parseLsn } from '@bunnydb/pg-model';
import { type TestDatabase, createDatabase, until } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LARGE_HEAD_BYTES } from '../src/core/pgoutput-decoder.js';
import { coreOf } from './memory-sink.js';
import { specFor } from './mirror-fixture.js';
import type { StoredMessage } from './stored-changes.js';

const WORKLOAD = [
  `insert into a select g, repeat('x', g % 500), null from generate_series(1, 3000) g`,
  `update a set v = v || E'\\\\\\t\\n' where id % 7 = 0`,
  `update a set id = id + 100000 where id % 50 = 0`,
  `delete from a where id % 11 = 0`,
  `begin; truncate b, a; insert into b values (1, 'one'); savepoint s; insert into b values (2, 'two');
   rollback to s; insert into b values (3, repeat('big', 900000)); commit`,
  `alter table b replica identity full`,
  `begin; update b set v = 'one more' where id = 1; alter table b add column w int default 5;
   update b set v = v || '!' ; commit`,
  `select pg_logical_emit_message(true, 'x', repeat('m', 2000000))`,
  `delete from b`,
];

/** A byte that only the last row holds. */
const LAST = '~'.charCodeAt(0);

describe('the two readers of a replication stream', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createDatabase({ prefix: 'readers' });
    await database.query(
      `create table a (id int primary key, v text, n int); create table b (id int primary key, v text);
       create publication p for table a, b with (publish_via_partition_root = true)`,
    );
    await database.query(
      `select pg_create_logical_replication_slot('lean_${database.name}', 'pgoutput')`,
    );
    await database.query(
      `select pg_copy_logical_replication_slot('lean_${database.name}', 'library_${database.name}')`,
    );
    for (const sql of WORKLOAD) await database.query(sql);
  });
  afterAll(() => database.drop());

  async function read(reader: 'lean' | 'library'): Promise<unknown[]> {
    const { source } = specFor(database, { tables: [] });
    const settings = settingsOf(source, (sealed) => sealed, 'readers');
    const connection = await openReplication(settings, { reader });
    const { sink, assembler, decoder } = coreOf({ limits: { messageBytesMax: 512 * 1024 } });
    const stream = connection.start({
      slotName: `${reader}_${database.name}`,
      publicationNames: ['p'],
      startLsn: parseLsn('0/0'),
      handler: {
        message: (bytes, start, end) => {
          // One batch per transaction: how batches are cut otherwise depends on time.
          if (decoder.message(bytes, start, end)) assembler.close();
        },
        largeStart: (bytes, start) => {
          decoder.largeStart(bytes, start);
          return start + LARGE_HEAD_BYTES;
        },
        largePiece: (bytes, start, end) => decoder.largePiece(bytes, start, end),
        largeEnd: () => {
          decoder.largeEnd();
          while (decoder.isWriting) decoder.step();
        },
        keepalive: () => undefined,
        drained: () => undefined,
      },
    });
    let failure: unknown;
    stream.ended.catch((error: unknown) => {
      failure = error;
    });
    await until(
      () => {
        if (failure) throw failure;
        return sink.messages.at(-2)?.payload.includes(LAST) === true;
      },
      { what: `the ${reader} reader to come to the end` },
    );
    await stream.stop();
    return joined(sink.stored);
  }

  it('make the same batches of the same changes', async () => {
    await database.query(`insert into a values (0, '~', 0)`);
    const lean = await read('lean');
    const library = await read('library');
    expect(lean.length).toBeGreaterThan(WORKLOAD.length);
    expect(library).toEqual(lean);
  });
});

/** Where a split row is cut depends on how it came in, so its pieces are joined; all else has to be equal. */
function joined(messages: readonly StoredMessage[]): unknown[] {
  const wholes: unknown[] = [];
  let pieces: Buffer[] = [];
  for (const { subject, table, commit, payload } of messages) {
    pieces.push(payload);
    if (table?.continues) continue;
    wholes.push({
      subject,
      payload: Buffer.concat(pieces).toString('latin1'),
      table: pieces.length > 1 ? 'split' : table,
      commit: commit && { ...commit, head: { ...commit.head, firstSeq: 0, messages: 0 } },
    });
    pieces = [];
  }
  return wholes;
}
