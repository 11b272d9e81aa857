import {
  Query,
  type RewindReply,
  changeStreamName,
  positionSubject,
  tableSubject,
} from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import { formatLsn, lsnFromBigInt, parseLsn } from '@bunnydb/pg-model';
import { type TestDatabase, createDatabase, until } from '@bunnydb/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cleanSource } from '../src/shell/clean-source.js';
import { prepareSource } from '../src/shell/prepare-source.js';
import { CapturedMirror, type FixtureOptions, specFor } from './mirror-fixture.js';
import { testNatsUrl } from './nats-url.js';
import { type Change, changesOf } from './stored-changes.js';

describe('a capture session', () => {
  let database: TestDatabase;
  const mirrors: CapturedMirror[] = [];

  beforeEach(async () => {
    database = await createDatabase({ prefix: 'session' });
    await database.query('create table t (id int primary key, v text)');
  });
  afterEach(async () => {
    for (const mirror of mirrors.splice(0)) await mirror.close();
    await database.drop();
  });

  async function prepare(options: Partial<FixtureOptions> = {}): Promise<CapturedMirror> {
    const mirror = await CapturedMirror.prepare(testNatsUrl(), database, {
      tables: ['public.t'],
      ...options,
    });
    mirrors.push(mirror);
    return mirror;
  }

  function changes(mirror: CapturedMirror, count: number): Promise<Change[]> {
    return until(
      async () => {
        if (mirror.failure) throw mirror.failure;
        const found = await mirror.changes();
        return found.length >= count ? found : undefined;
      },
      { what: `${count} changes` },
    );
  }

  async function confirmedLsn(mirror: CapturedMirror): Promise<bigint> {
    const [row] = await database.query<{ lsn: string }>(
      'select confirmed_flush_lsn::text as lsn from pg_replication_slots where slot_name = $1',
      [mirror.spec.slot_name],
    );
    return parseLsn(row?.lsn ?? '0/0');
  }

  async function insert(from: number, to: number): Promise<void> {
    for (let id = from; id <= to; id++) await database.query(`insert into t values (${id}, 'v')`);
  }

  const ids = (found: readonly Change[]): number[] => found.map((c) => Number(c.columns[0]));

  it('goes on after a restart without a loss and without a second copy', async () => {
    const mirror = await prepare();
    mirror.start();
    await insert(1, 5);
    await changes(mirror, 5);
    await mirror.stop();
    await insert(6, 9);
    mirror.start();
    expect(ids(await changes(mirror, 9))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const commits = (await mirror.messages()).flatMap((m) => (m.commit ? [m.commit.head] : []));
    // Every batch joins the one before it.
    commits.slice(1).forEach((head, index) => expect(head.prevLsn).toBe(commits[index]?.lastLsn));
  });

  it('moves the slot to what the destination has flushed and no further', async () => {
    const mirror = await prepare();
    const start = await confirmedLsn(mirror);
    mirror.start();
    await insert(1, 2);
    await changes(mirror, 2);
    const commits = (await mirror.messages()).filter((m) => m.commit);
    const first = commits[0];
    if (!first?.commit) throw new Error('no commit message');
    expect(await confirmedLsn(mirror)).toBe(start);
    mirror.confirm(first);
    await until(async () => (await confirmedLsn(mirror)) === first.commit?.head.lastLsn, {
      what: 'the slot to follow',
    });
  });

  it('does not confirm a position that the source has not come to', async () => {
    const mirror = await prepare();
    const start = await confirmedLsn(mirror);
    mirror.start();
    await insert(1, 1);
    await changes(mirror, 1);
    const far = formatLsn(lsnFromBigInt(start + 1_000_000_000n));
    mirror.messaging.publishJson(positionSubject(mirror.spec.id), {
      v: 1,
      mirror_id: mirror.spec.id,
      applied_lsn: far,
      flushed_lsn: far,
      flushed_stream_seq: 0,
    });
    await until(async () => (await confirmedLsn(mirror)) > start, { what: 'the slot to move' });
    const [row] = await database.query<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn');
    expect(await confirmedLsn(mirror)).toBeLessThanOrEqual(parseLsn(row?.lsn ?? '0/0'));
  });

  it('lets the slot follow while only tables beside the mirror change', async () => {
    const mirror = await prepare();
    mirror.start();
    await database.query('create table beside as select generate_series(1, 20000) as n');
    const progress = await until(
      async () => (await mirror.messages()).find((m) => m.commit?.lines.length === 0),
      { what: 'a progress message' },
    );
    mirror.confirm(progress);
    await until(async () => (await confirmedLsn(mirror)) === progress.commit?.head.lastLsn, {
      what: 'the slot to follow',
    });
  });

  it('rebuilds a deleted stream from the slot', async () => {
    const mirror = await prepare();
    mirror.start();
    await insert(1, 3);
    await changes(mirror, 3);
    await mirror.messaging.jsm.streams.delete(changeStreamName(mirror.spec.id));
    await insert(4, 5);
    expect(ids(await changes(mirror, 5))).toEqual([1, 2, 3, 4, 5]);
  });

  it('starts again from the slot when the applier asks for it', async () => {
    const mirror = await prepare();
    mirror.start();
    await insert(1, 3);
    await changes(mirror, 3);
    const reply = await mirror.messaging.request<RewindReply>(
      `${Query.CaptureRewind}.${mirror.spec.id}`,
      { position_lsn: '0/0' },
      { timeoutMs: 2_000 },
    );
    expect(reply).toEqual({
      ok: true,
      restarted_from_lsn: formatLsn(parseLsn(reply.ok ? reply.restarted_from_lsn : '0/0')),
    });
    expect(ids(await changes(mirror, 6))).toEqual([1, 2, 3, 1, 2, 3]);
  });

  it('loses nothing when a stranger writes into the stream', async () => {
    const mirror = await prepare();
    mirror.start();
    await insert(1, 1);
    await changes(mirror, 1);
    // It takes the very place of the next message of ours; what follows that one must not be stored either.
    await mirror.messaging.js.publish(tableSubject(mirror.spec.name, 'public', 'nobody'), 'x');
    await insert(2, 3);
    expect(ids(await changes(mirror, 3))).toEqual([1, 2, 3]);
  });

  it('takes the slot from a session of the same mirror that still holds it', async () => {
    const mirror = await prepare();
    mirror.start();
    await insert(1, 1);
    await changes(mirror, 1);
    const second = new CapturedMirror(mirror.messaging, mirror.spec);
    second.start();
    await mirror.ended();
    expect(mirror.failure).toBeInstanceOf(MirrorError);
    await insert(2, 2);
    expect(ids(await changes(second, 2))).toEqual([1, 2]);
    await second.stop();
  });

  it('waits while the stream is full and goes on when the destination follows', async () => {
    const mirror = await prepare({
      options: { stream_max_bytes: 256 * 1024, stream_tail_bytes: 0 },
    });
    mirror.start();
    // Transactions of about 50 KiB: some fit, most do not.
    for (let n = 0; n < 20; n++) {
      await database.query(
        `insert into t select g, repeat('x', 500) from generate_series(${n * 100 + 1}, ${n * 100 + 100}) g`,
      );
    }
    const seen = new Set<number>();
    await until(
      async () => {
        if (mirror.failure) throw mirror.failure;
        // One look for both: what is confirmed may be gone at the next.
        const messages = await mirror.messages();
        for (const id of ids(changesOf(messages))) seen.add(id);
        const last = messages.findLast((m) => m.commit);
        if (last) mirror.confirm(last);
        return seen.size === 2_000;
      },
      { what: 'all rows, a part at a time', timeoutMs: 60_000 },
    );
  });

  it('raises the limit for a transaction that is larger than the stream', async () => {
    const mirror = await prepare({
      options: { stream_max_bytes: 512 * 1024, stream_tail_bytes: 0 },
    });
    mirror.start();
    await insert(1, 1);
    await changes(mirror, 1);
    await database.query(
      `insert into t select g, repeat('x', 500) from generate_series(2, 10001) g`,
    );
    const found = await until(
      async () => {
        if (mirror.failure) throw mirror.failure;
        // One look for both: what is confirmed may be gone at the next.
        const messages = await mirror.messages();
        const all = changesOf(messages);
        if (all.length >= 10_000) return all;
        const last = messages.findLast((m) => m.commit);
        if (last) mirror.confirm(last);
        return undefined;
      },
      { what: 'the whole transaction' },
    );
    expect(ids(found).slice(-10_000)).toEqual(Array.from({ length: 10_000 }, (_, n) => n + 2));
    const name = changeStreamName(mirror.spec.id);
    await until(
      async () => {
        // Looked up each time, since progress may be told behind the transaction.
        const last = (await mirror.messages()).findLast((m) => m.commit);
        if (last) mirror.confirm(last);
        return (await mirror.messaging.jsm.streams.info(name)).config.max_bytes === 512 * 1024;
      },
      { what: 'the limit to be lowered again' },
    );
  });

  it('keeps only the tail of what the destination has', async () => {
    const mirror = await prepare({ options: { stream_tail_bytes: 1024 * 1024 } });
    mirror.start();
    for (let n = 0; n < 8; n++) {
      await database.query(
        `insert into t select g, repeat('x', 1000) from generate_series(${n * 1000 + 1}, ${n * 1000 + 1000}) g`,
      );
    }
    await changes(mirror, 8_000);
    const last = (await mirror.messages()).findLast((m) => m.commit);
    const name = changeStreamName(mirror.spec.id);
    const state = await until(
      async () => {
        if (last) mirror.confirm(last);
        const info = await mirror.messaging.jsm.streams.info(name);
        return info.state.bytes < 4 * 1024 * 1024 ? info.state : undefined;
      },
      { what: 'the stream to be trimmed' },
    );
    expect(state.bytes).toBeGreaterThan(512 * 1024);
    // Progress may have been told since.
    expect(state.last_seq).toBeGreaterThanOrEqual(last?.sequence ?? Infinity);
  });

  it.each([
    ['a slot that is gone', 'slot_missing'],
    ['a publication that is gone', 'publication_missing'],
    ['another server', 'foreign_server'],
    ['a source that was set back', 'position_gap'],
  ])('refuses %s with the reason', async (_, kind) => {
    const mirror = await prepare();
    if (kind === 'slot_missing') {
      await database.query(`select pg_drop_replication_slot('${mirror.spec.slot_name}')`);
    } else if (kind === 'publication_missing') {
      await database.query(`drop publication "${mirror.spec.publication_name}"`);
    } else if (kind === 'foreign_server' && mirror.spec.source_identity) {
      const identity = { ...mirror.spec.source_identity, system_id: '1' };
      mirror.spec = { ...mirror.spec, source_identity: identity };
    } else {
      mirror.messaging.respondJson(`${Query.ApplyPosition}.${mirror.spec.id}`, () => ({
        flushed_lsn: 'FFFF/0',
      }));
    }
    mirror.start();
    const failure = await mirror.ended();
    expect(failure).toMatchObject({ kind });
  });

  it('prepares a source again without a change and cleans it completely', async () => {
    const mirror = await prepare();
    const { messaging, settings } = mirror;
    const bare = { ...mirror.spec };
    delete (bare as { source_identity?: unknown }).source_identity;
    const again = await prepareSource(messaging, settings, bare);
    expect(again.identity).toEqual(mirror.spec.source_identity);
    mirror.start();
    await insert(1, 1);
    await changes(mirror, 1);
    const { signal } = new AbortController();
    const left = await cleanSource({
      messaging,
      settings,
      spec: mirror.spec,
      force: false,
      signal,
    });
    expect(left).toEqual([]);
    const rows = await database.query(
      `select slot_name::text as name from pg_replication_slots where slot_name = '${mirror.spec.slot_name}'
       union all select pubname::text from pg_publication`,
    );
    expect(rows).toEqual([]);
    // Cleaning what is clean already is no failure.
    expect(
      await cleanSource({ messaging, settings, spec: mirror.spec, force: false, signal }),
    ).toEqual([]);
  });

  it('needs no more than a role that may replicate and owns the tables', async () => {
    const role = `plain_${mirrors.length}_${process.pid}`;
    await database.query(
      `create role ${role} login replication; alter table t owner to ${role};
       grant create on database "${database.name}" to ${role}; grant usage on schema public to ${role}`,
    );
    const source = { ...specFor(database, { tables: [] }).source, user: role };
    const mirror = await prepare({ spec: { source } });
    mirror.start();
    await insert(1, 1);
    await changes(mirror, 1);
    await mirror.stop();
    const { messaging, settings, spec } = mirror;
    // It may not create event triggers: shapes are told all the same, and the rest is polled.
    expect(await prepareSource(messaging, settings, spec)).toMatchObject({ ddl_events: false });
    expect((await mirror.messages()).filter((message) => message.mark)).toHaveLength(1);
    const { signal } = new AbortController();
    expect(await cleanSource({ messaging, settings, spec, force: false, signal })).toEqual([]);
    await database.query(
      `alter table t owner to postgres; drop owned by ${role}; drop role ${role}`,
    );
  });

  it('gives up on a source out of reach when forced, and tells what is left', async () => {
    const mirror = await prepare();
    const { messaging, spec } = mirror;
    const settings = { ...mirror.settings, port: 1 };
    const { signal } = new AbortController();
    await expect(
      cleanSource({ messaging, settings, spec, force: false, signal }),
    ).rejects.toMatchObject({
      kind: 'source_unreachable',
    });
    expect(await cleanSource({ messaging, settings, spec, force: true, signal })).toEqual([
      `replication slot ${spec.slot_name}`,
      `publication ${spec.publication_name}`,
      'event triggers of the mirror and schema _bunny',
    ]);
  });
});
