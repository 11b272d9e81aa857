import { encodeCommitHead, encodeTableHead, encodeTransactions } from '@bunnydb/change-stream';
import { changeStreamName, changeSubjects, commitSubject, tableSubject } from '@bunnydb/contracts';
import { lsnFromBigInt } from '@bunnydb/pg-model';
import { until } from '@bunnydb/testkit';
import { headers } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Fixture, createPeers, openFixture } from './control-fixture.js';

const MIRROR = 'followed';
const PATH = `/v1/mirrors/${MIRROR}/changes/stream?table=public.users`;
let fixture: Fixture;
let mirrorId: string;
let batch = 0;

beforeAll(async () => {
  fixture = await openFixture();
  fixture.workers.answerQueries();
  fixture.workers.answerCommands();
  await createPeers(fixture.api);
  const made = await fixture.api.post('/v1/mirrors', {
    name: MIRROR,
    source_peer: 'src',
    destination_peer: 'dst',
    table_mappings: ['public.users'],
  });
  mirrorId = String(made.body['id']);
});
afterAll(() => fixture.close());

/** What capture does at its start. */
async function makeStream(): Promise<void> {
  await fixture.messaging.jsm.streams.add({
    name: changeStreamName(mirrorId),
    subjects: [changeSubjects(MIRROR)],
  });
}

/** A batch of one transaction with rows of one table, as capture writes it. */
async function publish(ids: readonly number[], table = 'users'): Promise<void> {
  const lsn = lsnFromBigInt(BigInt((batch += 1)));
  const own = { epoch: '1', batch: `1-${batch}`, firstLsn: lsn, lastLsn: lsn };
  const lastSeq = ids.length;
  await send(
    tableSubject(MIRROR, 'public', table),
    encodeTableHead({
      ...own,
      segment: 0,
      table: { schema: 'public', table },
      columns: ['id', 'name'],
      key: ['id'],
      identity: 'd',
      old: [],
      ops: { inserts: ids.length, updates: 0, deletes: 0 },
      firstSeq: 1,
      lastSeq,
      hasUnchanged: false,
      continues: false,
      truncate: null,
    }),
    ids.map((id, at) => `I\t${at + 1}\t\\N\t${id}\t\\N\n`).join(''),
  );
  const commitTime = '2026-01-02T03:04:05.678901Z';
  await send(
    commitSubject(MIRROR),
    encodeCommitHead({
      ...own,
      prevLsn: lsn,
      firstSeq: 1,
      messages: 1,
      changes: ids.length,
      bytes: 1,
    }),
    encodeTransactions([{ xid: 7, commitLsn: lsn, endLsn: lsn, commitTime, lastSeq }]),
  );
}

async function send(
  subject: string,
  pairs: readonly (readonly [string, string])[],
  payload: string,
): Promise<void> {
  const own = headers();
  for (const [name, value] of pairs) own.set(name, value);
  await fixture.messaging.js.publish(subject, payload, { headers: own });
}

/** A client that reads events as a browser does. */
class Follower {
  text = '';
  readonly #abort = new AbortController();

  static async open(path: string, more: Readonly<Record<string, string>> = {}): Promise<Follower> {
    const follower = new Follower();
    const answer = await fetch(`${fixture.api.url}${path}`, {
      headers: { authorization: `Bearer ${fixture.api.token}`, ...more },
      signal: follower.#abort.signal,
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    void follower.#read(answer);
    return follower;
  }

  async #read(answer: Response): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const piece of answer.body ?? []) this.text += decoder.decode(piece);
    } catch {
      // Closed by the test.
    }
  }

  get ids(): readonly number[] {
    return [...this.text.matchAll(/"row":\{"id":"(\d+)"/g)].map(([, id]) => Number(id));
  }

  get lastEventId(): string {
    return [...this.text.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1] ?? '';
  }

  /** Waits until it is told where the stream begins for it. */
  started(): Promise<unknown> {
    return until(() => this.lastEventId !== '', { what: () => `a start; got ${this.text}` });
  }

  has(ids: readonly number[]): Promise<unknown> {
    return until(() => this.ids.join() === ids.join(), {
      what: () => `rows ${ids.join()}; got ${this.text}`,
    });
  }

  close(): void {
    this.#abort.abort();
  }
}

async function consumers(): Promise<number> {
  const info = await fixture.messaging.jsm.streams.info(changeStreamName(mirrorId));
  return info.state.consumer_count;
}

it('shows the rows of one table as they commit, waits for a stream that is not there yet, and leaves nothing behind', async () => {
  const follower = await Follower.open(PATH);
  await makeStream();
  await follower.started();
  await publish([1, 2]);
  await publish([77], 'other');
  await publish([3]);
  await follower.has([1, 2, 3]);
  const line = /^data: (.*"id":"1".*)$/m.exec(follower.text)?.[1] ?? '';
  expect((JSON.parse(line) as unknown[])[0]).toEqual({
    at: '2026-01-02T03:04:05.678901Z',
    table: 'public.users',
    operation: 'insert',
    columns: ['id', 'name'],
    row: { id: '1', name: null },
    old: null,
    unchanged: [],
    cut: [],
  });
  follower.close();
  await until(async () => (await consumers()) === 0, { what: 'the consumer to be gone' });
});

it('goes on where it was, and begins with the latest rows when it is asked to', async () => {
  const first = await Follower.open(`${PATH}&latest=true`);
  await first.has([3]);
  first.close();
  await publish([4]);
  const second = await Follower.open(PATH, { 'last-event-id': first.lastEventId });
  await second.has([4]);
  second.close();
});

it('begins anew with a stream that was lost', async () => {
  const follower = await Follower.open(PATH);
  await follower.started();
  await fixture.messaging.jsm.streams.delete(changeStreamName(mirrorId));
  await makeStream();
  await until(async () => (await consumers()) === 1, { what: 'a consumer on the new stream' });
  await publish([5]);
  await follower.has([5]);
  follower.close();
});

it('of more changes than anybody reads shows the latest and counts the others', async () => {
  const follower = await Follower.open(PATH);
  await follower.started();
  await publish(Array.from({ length: 1_000 }, (_, at) => at + 1));
  await until(() => follower.ids.length === 200, { what: 'the latest rows' });
  expect(follower.ids.at(-1)).toBe(1_000);
  expect(follower.text).toContain('event: left_out\ndata: {"changes":800}');
  follower.close();
});

it('is for administrators, and for tables of the mirror', async () => {
  const { api } = fixture;
  const body = { username: 'reader', role: 'readonly', password: 'a good password' };
  await api.post('/v1/users', body);
  const reader = api.as(undefined);
  await reader.login('reader', 'a good password');
  expect((await reader.get(PATH)).status).toBe(403);
  expect((await api.as(undefined).get(PATH)).status).toBe(401);
  expect((await api.get(`/v1/mirrors/${MIRROR}/changes/stream`)).status).toBe(400);
  expect((await api.get(`/v1/mirrors/${MIRROR}/changes/stream?table=public.none`)).status).toBe(
    404,
  );
  expect((await api.get('/v1/mirrors/none/changes/stream?table=public.users')).status).toBe(404);
});
