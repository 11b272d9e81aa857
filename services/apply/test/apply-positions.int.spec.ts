import { type DestinationPosition, Query, positionSubject } from '@bunnydb/contracts';
import { onFaultPoint } from '@bunnydb/failure';
import { formatLsn, lsnFromBigInt, parseLsn } from '@bunnydb/pg-model';
import { until } from '@bunnydb/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HOLD_EPOCH, takePosition } from '../src/shell/position-row.js';
import { ApplyFixture } from './apply-fixture.js';
import { type Change, SourceTable } from './stream-writer.js';

let fixture: ApplyFixture;

beforeEach(async () => {
  fixture = await ApplyFixture.open();
  await fixture.createTable(items, 'create table items (id int primary key, note text)');
});

afterEach(async () => {
  onFaultPoint(undefined);
  await fixture.close();
});

const items = new SourceTable('items', ['id', 'note']);

async function ids(): Promise<unknown[]> {
  return (await fixture.rows('select id from items order by id')).map((row) => row['id']);
}

describe('positions', () => {
  it('a batch that is delivered twice, and a rebuilt stream that overlaps, apply each transaction once', async () => {
    const start = fixture.stream.lsn;
    await fixture.stream.write([[items.insert(1, 'a')], [items.insert(2, 'a')]]);
    const between = fixture.stream.lsn;
    await fixture.stream.write([[items.insert(3, 'a')]]);
    fixture.stream.nextEpoch();
    fixture.stream.rewindTo(start);
    await fixture.stream.write([[items.insert(1, 'a')]]);
    // A batch whose first transaction is applied and whose last is not.
    await fixture.stream.write([
      [items.insert(2, 'a')],
      [items.insert(3, 'a')],
      [items.insert(4, 'a')],
    ]);
    const session = fixture.start();
    await fixture.untilApplied(session);
    expect(await ids()).toEqual([1, 2, 3, 4]);
    expect(between).toBeLessThan(fixture.stream.lsn);
  });

  it('rows of a batch without its commit message are dropped', async () => {
    await fixture.stream.write([[items.insert(1, 'a')]], { withoutCommit: true });
    fixture.stream.rewindTo(lsnFromBigInt(0x1000n));
    fixture.stream.nextEpoch();
    await fixture.stream.write([[items.insert(2, 'b')]]);
    const session = fixture.start();
    await fixture.untilApplied(session);
    expect(await ids()).toEqual([2]);
  });

  it('a session goes on behind the message that the position names, and from the first one when that is another', async () => {
    await fixture.apply([items.insert(1, 'a')]);
    await fixture.apply([items.insert(2, 'a')]);
    await fixture.destination.query('update _bunny.position set stream_seq = 1');
    await fixture.apply([items.insert(3, 'a')]);
    await fixture.destination.query('update _bunny.position set stream_seq = 999');
    await fixture.apply([items.insert(4, 'a')]);
    expect(await ids()).toEqual([1, 2, 3, 4]);
  });

  it('a gap makes the applier ask capture to go back, and what then comes joins', async () => {
    const start = fixture.stream.lsn;
    const asked: unknown[] = [];
    fixture.stream.skipLsn();
    await fixture.stream.write([[items.insert(2, 'after the gap')]]);
    fixture.messaging.respondJson(`${Query.CaptureRewind}.${fixture.mirrorId}`, (request) => {
      asked.push(request);
      return { ok: true, restarted_from_lsn: formatLsn(start) };
    });
    const session = fixture.start();
    await until(() => asked.length === 1, { what: 'the request to go back' });
    expect(asked).toEqual([{ position_lsn: '0/1000' }]);
    fixture.stream.nextEpoch();
    fixture.stream.rewindTo(start);
    await fixture.stream.write([[items.insert(1, 'in the gap')]]);
    fixture.stream.skipLsn(0xd0n);
    await fixture.stream.write([[items.insert(2, 'after the gap')]], {
      prevLsn: lsnFromBigInt(0x1030n),
    });
    await fixture.untilApplied(session);
    expect(await ids()).toEqual([1, 2]);
    expect(asked).toHaveLength(1);
  });

  it('a slot that is past the position stops the mirror', async () => {
    fixture.stream.skipLsn();
    await fixture.stream.write([[items.insert(2, 'x')]]);
    fixture.messaging.respondJson(`${Query.CaptureRewind}.${fixture.mirrorId}`, () => ({
      ok: true,
      restarted_from_lsn: '0/1100',
    }));
    expect(await fixture.start().failure()).toMatchObject({ kind: 'position_gap' });
    expect(await ids()).toEqual([]);
  });

  it('a transaction that a table has in its copy is skipped for that table only', async () => {
    const other = new SourceTable('other', ['id']);
    await fixture.createTable(other, 'create table other (id int primary key)');
    await fixture.prepare();
    await fixture.destination.query(
      `update _bunny.table_state set copy_lsn = '0/1040' where source_table = 'items'`,
    );
    await fixture.apply(
      [items.insert(1, 'copied'), other.insert(1)],
      [items.insert(2, 'streamed'), other.insert(2), items.insert(3, 'streamed')],
    );
    expect(await ids()).toEqual([2, 3]);
    expect(await fixture.rows('select id from other')).toHaveLength(2);
  });

  it('progress without changes moves the position', async () => {
    await fixture.apply();
    expect(await fixture.position()).toBe(fixture.stream.lsn);
  });

  it('what is reported as flushed is on the disk of the destination, and answers to requests say the same', async () => {
    const told: DestinationPosition[] = [];
    fixture.messaging.subscribeJson<DestinationPosition>(
      positionSubject(fixture.mirrorId),
      (position) => {
        told.push(position);
      },
    );
    const session = fixture.start();
    await fixture.stream.write([[items.insert(1, 'a')]]);
    const lsn = formatLsn(fixture.stream.lsn);
    await until(() => told.at(-1)?.flushed_lsn === lsn, { what: 'the flushed position' });
    expect(told.at(-1)).toMatchObject({
      applied_lsn: lsn,
      flushed_stream_seq: fixture.stream.sequence,
    });
    const answer = await fixture.messaging.request(
      `${Query.ApplyPosition}.${fixture.mirrorId}`,
      {},
      { timeoutMs: 2_000 },
    );
    expect(answer).toMatchObject({ ok: true, flushed_lsn: lsn });
    for (const position of told)
      expect(parseLsn(position.flushed_lsn) <= parseLsn(position.applied_lsn)).toBe(true);
    await session.stop();
  });
});

describe('sessions that overlap', () => {
  it('an older one cannot move the position once a newer one has taken it', async () => {
    const older = fixture.start();
    await fixture.stream.write([[items.insert(1, 'a')]]);
    await fixture.untilApplied(older);
    await fixture.destination.query('update _bunny.position set epoch = epoch + 1');
    await fixture.stream.write([[items.insert(2, 'a')]]);
    expect(await older.failure()).toMatchObject({ kind: 'position_fenced' });
    expect(await ids()).toEqual([1]);
    const newer = fixture.start();
    await fixture.untilApplied(newer);
    expect(await ids()).toEqual([1, 2]);
  });

  it('a newer one ends the older one, whatever locks that holds', async () => {
    const older = fixture.start();
    await fixture.stream.write([[items.insert(1, 'a')]]);
    await fixture.untilApplied(older);
    const newer = fixture.start();
    expect(await older.failure()).toMatchObject({ detail: { role: 'destination' } });
    await fixture.stream.write([[items.insert(2, 'a')]]);
    await fixture.untilApplied(newer);
    expect(await ids()).toEqual([1, 2]);
  });
});

describe("a lane's hold of the epoch", () => {
  it('does not keep the main lane waiting, but a session that takes the mirror over', async () => {
    await fixture.prepare();
    const lane = await fixture.destination.connect();
    const others = await fixture.destination.connect();
    const [{ epoch } = { epoch: '' }] = await fixture.rows(
      'select epoch::text from _bunny.position',
    );
    const hold = (of: unknown): Promise<unknown> => lane.query(HOLD_EPOCH, [fixture.mirrorId, of]);
    await lane.query('begin');
    await hold(epoch);
    await others.query(`set lock_timeout = '2s'`);
    await others.query('update _bunny.position set updated_at = now()');
    let isTaken = false;
    const taking = takePosition(others, fixture.spec).then(() => (isTaken = true));
    await until(
      async () =>
        (
          await fixture.rows(
            `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
          )
        ).length > 0,
      { what: 'the other session to wait' },
    );
    expect(isTaken).toBe(false);
    await lane.query('commit');
    await taking;
    await expect(hold(epoch)).rejects.toMatchObject({ code: '22012' });
    await Promise.all([lane.end(), others.end()]);
  });
});

describe('a destination that fails', () => {
  it('in the middle of a transaction keeps nothing of it, and the next session applies it once', async () => {
    const session = fixture.start();
    await fixture.stream.write([[items.insert(0, 'a')]]);
    await fixture.untilApplied(session);
    const holder = await fixture.destination.connect();
    await holder.query('begin; insert into items values (7)');
    const rows: Change[] = Array.from({ length: 100 }, (_, i) => items.insert(i + 1, 'b'));
    await fixture.stream.write([rows]);
    await until(
      async () =>
        (
          await fixture.rows(
            `select pg_terminate_backend(pid) from pg_stat_activity
              where application_name = 'bunnydb apply ${fixture.mirrorId}' and wait_event_type = 'Lock'`,
          )
        ).length > 0,
      { what: 'the session to wait inside its transaction' },
    );
    expect(await session.failure()).toMatchObject({ kind: 'server_shutting_down' });
    await holder.query('rollback');
    await holder.end();
    expect(await ids()).toEqual([0]);
    const next = fixture.start();
    await fixture.untilApplied(next);
    expect(await ids()).toHaveLength(101);
  });

  it('with a row in the way stops the mirror if it is to, and is told with table, constraint and key, never the value, and goes on once it is gone', async () => {
    await fixture.close();
    fixture = await ApplyFixture.open({ options: { on_table_error: 'stop' } });
    await fixture.createTable(items, 'create table items (id int primary key, note text)');
    await fixture.prepare();
    await fixture.destination.query(`insert into items values (5, 'in the way')`);
    await fixture.stream.write([[items.insert(4, 'ok'), items.insert(5, 'secret')]]);
    const failure = await fixture.start().failure();
    expect(failure).toMatchObject({
      kind: 'constraint_violated',
      detail: { table: 'public.items', constraint: 'items_pkey', key: ['id'], sqlstate: '23505' },
    });
    expect(JSON.stringify(failure)).not.toContain('secret');
    expect(await ids()).toEqual([5]);
    expect(await fixture.position()).toBe(lsnFromBigInt(0x1000n));
    await fixture.destination.query('delete from items');
    const next = fixture.start();
    await fixture.untilApplied(next);
    expect(await ids()).toEqual([4, 5]);
  });

  it('that is read-only is told as such', async () => {
    await fixture.prepare();
    await fixture.destination.query(
      `alter database ${fixture.destination.name} set default_transaction_read_only = on`,
    );
    await fixture.stream.write([[items.insert(1, 'a')]]);
    expect(await fixture.start().failure()).toMatchObject({ kind: 'read_only' });
  });
});

describe('the change stream', () => {
  it('that is deleted while it is read is told as lost, and its successor is applied', async () => {
    const session = fixture.start();
    await fixture.stream.write([[items.insert(1, 'a')]]);
    await fixture.untilApplied(session);
    await fixture.messaging.jsm.streams.delete(`BUNNY_CDC_${fixture.mirrorId}`);
    await fixture.stream.createStream();
    fixture.stream.forgetSequence();
    expect(await session.failure()).toMatchObject({ kind: 'stream_lost' });
    await fixture.stream.write([[items.insert(2, 'a')]]);
    const next = fixture.start();
    await fixture.untilApplied(next);
    expect(await ids()).toEqual([1, 2]);
  });
});
