import { type TestDatabase, createDatabase, until } from '@bunnydb/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectClient } from '../src/connect-client.js';
import { sqlstateOf } from '../src/mirror-error.js';
import { PipelinedSession } from '../src/pipelined-session.js';

let database: TestDatabase;
let session: PipelinedSession;

beforeEach(async () => {
  database = await createDatabase({ prefix: 'pipe' });
  await database.query('create table t (id int primary key, name text)');
  const settings = {
    host: database.host,
    port: database.port,
    user: database.user,
    password: database.password,
    database: database.name,
    sslMode: 'disable',
    applicationName: 'pipeline test',
  } as const;
  session = PipelinedSession.takeOver(await connectClient(settings, { role: 'destination' }));
});

afterEach(async () => {
  await session.close();
  await database.drop();
});

const bytes = (text: string): Uint8Array => Buffer.from(text);

async function ids(): Promise<unknown[]> {
  return (await database.query('select id from t order by id')).map((row) => row['id']);
}

function copy(lines: string, label?: string): void {
  session.beginCopy('copy public.t from stdin', { label });
  session.copyData(bytes(lines));
  session.endCopy();
}

describe('a pipelined session', () => {
  it('runs a transaction of COPY, SQL and prepared statements in one go and tells the counts', async () => {
    const counts: number[] = [];
    const rows: unknown[] = [];
    const onComplete = (count: number): void => void counts.push(count);
    const insert = session.prepare('insert into public.t values ($1, $2)', [23, 25]);
    session.run('begin');
    session.beginCopy('copy public.t from stdin', { onComplete });
    // Pieces may be cut anywhere.
    for (const piece of ['1\to', 'ne\n2', '\ttwo\n']) session.copyData(bytes(piece));
    session.endCopy();
    session.execute(insert, [bytes('3'), null], { onComplete });
    session.execute(insert, [bytes('4'), bytes('vier\t\\')], { onComplete });
    session.run('update public.t set name = upper(name)', { onComplete });
    session.run('commit');
    session.run('select id, name from public.t order by id', { onRow: (row) => rows.push(row) });
    expect(await session.sync()).toEqual({ ok: true });
    expect(counts).toEqual([2, 1, 1, 4]);
    expect(rows).toEqual([
      ['1', 'ONE'],
      ['2', 'TWO'],
      ['3', null],
      ['4', 'VIER\t\\'],
    ]);
  });

  it('runs nothing behind a refused command, COPY data included, and names the command', async () => {
    session.run('begin');
    copy('1\tone\nnot a number\ttwo\n', 'the copy');
    copy('3\tthree\n');
    session.run('commit');
    const outcome = await session.sync();
    expect(outcome).toMatchObject({ ok: false, sink: { label: 'the copy' } });
    expect(!outcome.ok && sqlstateOf(outcome.error)).toBe('22P02');
    // What is in flight behind it cannot begin until the transaction is rolled back.
    session.run('begin');
    session.run('insert into public.t values (9)');
    session.run('commit');
    expect(await session.sync()).toMatchObject({ ok: false });
    session.run('rollback');
    copy('5\tfive\n');
    expect(await session.sync()).toEqual({ ok: true });
    expect(await ids()).toEqual([5]);
  });

  it('prepares a statement again when its preparation was lost in a failed group', async () => {
    const insert = session.prepare('insert into public.t values ($1)', [23]);
    session.run('select 1 / 0');
    session.execute(insert, [bytes('1')]);
    expect(await session.sync()).toMatchObject({ ok: false });
    session.execute(insert, [bytes('2')]);
    expect(await session.sync()).toEqual({ ok: true });
    session.forget(insert);
    session.execute(insert, [bytes('3')]);
    expect(await session.sync()).toEqual({ ok: true });
    expect(await ids()).toEqual([2, 3]);
  });

  it('prepares a statement again when its group was known to have failed before it', async () => {
    const insert = session.prepare('insert into public.t values ($1, $2)', [23, 25]);
    session.run('select 1/0');
    // Large enough to be sent before the group's end.
    copy(`1\t${'x'.repeat(2_000_000)}\n`);
    await until(() => session.hasFailed, { what: 'the failure to be known' });
    session.execute(insert, [bytes('3'), null]);
    expect(await session.sync()).toMatchObject({ ok: false });
    session.execute(insert, [bytes('4'), null]);
    expect(await session.sync()).toEqual({ ok: true });
    expect(await ids()).toEqual([4]);
  });

  it('breaks off a COPY that was not ended', async () => {
    session.run('begin');
    session.beginCopy('copy public.t from stdin');
    session.copyData(bytes('1\tone\n'));
    const outcome = await session.sync();
    expect(!outcome.ok && sqlstateOf(outcome.error)).toBe('57014');
    session.run('rollback');
    expect(await session.sync()).toEqual({ ok: true });
    expect(await ids()).toEqual([]);
  });

  it('takes rows made in its own buffer and data larger than that', async () => {
    await database.query('create table big (v text)');
    session.beginCopy('copy public.big from stdin');
    let made = 0;
    while (made < 20_000) {
      session.copyFilled((buffer, start, end) => {
        let at = start;
        while (made < 20_000 && end - at > 20) {
          at += Buffer.from(buffer.buffer, buffer.byteOffset).write(`row ${made++}\n`, at);
        }
        return at;
      });
      await session.drained();
    }
    session.copyData(Buffer.alloc(3_000_000, 'x'));
    session.copyData(bytes('\n'));
    session.endCopy();
    expect(await session.sync()).toEqual({ ok: true });
    const [row] = await database.query(
      'select count(distinct v)::int as n, max(length(v))::int as m from big',
    );
    expect(row).toEqual({ n: 20_001, m: 3_000_000 });
  });

  it('reads answers larger than a packet', async () => {
    const rows: (readonly (string | null)[])[] = [];
    session.run(`select repeat('y', 500000), g::text from generate_series(1, 20) g`, {
      onRow: (row) => rows.push(row),
    });
    expect(await session.sync()).toEqual({ ok: true });
    expect(rows.map(([text, number]) => [text?.length, number]).at(-1)).toEqual([500_000, '20']);
  });

  it('tells why the server ended it, to those who wait and to those who come later', async () => {
    const answer = session.sync();
    expect(await answer).toEqual({ ok: true });
    session.run('select pg_sleep(60)');
    const waiting = session.sync();
    await until(async () => {
      const rows = await database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pipeline test' and state = 'active'`,
      );
      return rows.length > 0;
    });
    await expect(waiting).rejects.toMatchObject({ code: '57P01' });
    expect(session.isLost).toBe(true);
    session.run('select 1');
    await expect(session.sync()).rejects.toMatchObject({ code: '57P01' });
    await session.drained();
  });
});
