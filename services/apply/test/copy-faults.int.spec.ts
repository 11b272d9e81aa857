import { MirrorError, onFaultPoint } from '@bunnydb/failure';
import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CopyFixture } from './copy-fixture.js';

let fixture: CopyFixture;

beforeEach(async () => {
  fixture = await CopyFixture.open();
});

afterEach(async () => {
  onFaultPoint(undefined);
  await fixture.untilNothingIsLeft();
  await fixture.close();
});

/** The failure of a copy that must fail. */
async function failureOf(copy: Promise<unknown>): Promise<MirrorError> {
  const error = await copy.then(
    () => new Error('the copy did not fail'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof MirrorError)) throw error;
  return error;
}

/**
 * Makes the destination stop in the middle of its COPY, at row 5000, until the lock is given back: both sides are then inside the copy of one range,
 * with full sockets.
 */
async function holdDestination(): Promise<{ release: () => Promise<void> }> {
  await fixture.both('create table t (id int primary key, filler text)');
  await fixture.source.query(
    `insert into t select i, repeat('x', 400) from generate_series(1, 40000) i`,
  );
  await fixture.destination.query(
    `create function hold() returns trigger language plpgsql as $$
       begin perform pg_advisory_xact_lock_shared(4242); return new; end $$;
     create trigger hold before insert on t for each row when (new.id = 5000) execute function hold();
     alter table t enable always trigger hold`,
  );
  const holder: pg.Client = await fixture.destination.connect();
  await holder.query('select pg_advisory_lock(4242)');
  return {
    release: async () => {
      await holder.end();
    },
  };
}

describe('a copy that is cut off', () => {
  it('in the source goes on afterwards, and the destination keeps nothing of the half', async () => {
    const hold = await holdDestination();
    const copy = failureOf(fixture.copy(['public.t']));
    await fixture.backendOf(fixture.destination, 'copy%', 'advisory');
    const pid = await fixture.backendOf(fixture.source, 'copy%');
    await fixture.source.query('select pg_terminate_backend($1)', [pid]);
    // Rows are still under way in full sockets; behind the last of them is the end of the connection.
    await hold.release();
    expect(await copy).toMatchObject({
      // Whether the server's last word comes through before the end is up to the socket; both are tried again.
      kind: expect.stringMatching(/^(?:source_unreachable|server_shutting_down)$/),
      detail: { role: 'source', table: 'public.t' },
    });
    await fixture.untilNothingIsLeft();
    expect(await fixture.tableState('public.t')).toMatchObject({
      state: 'copying',
      copy_lsn: null,
    });
    const [left] = await fixture.destination.query('select count(*)::int as rows from t');
    expect(left).toEqual({ rows: 0 });
    await fixture.copy(['public.t']);
    expect(await fixture.difference(['public.t'])).toBe('');
  });

  it('by a table that was written anew since the snapshot copies that under a newer one', async () => {
    const hold = await holdDestination();
    await fixture.both('create table u (id int primary key, n int)');
    await fixture.source.query('insert into u select i, i from generate_series(1, 100) i');
    // One after another, the largest first.
    const options = { snapshot_max_parallel_workers: 1 };
    const copy = failureOf(fixture.copy(['public.t', 'public.u'], { options }));
    await fixture.backendOf(fixture.destination, 'copy%', 'advisory');
    // To the snapshot the table looks empty from now on.
    await fixture.source.query('alter table u alter n type bigint');
    await fixture.destination.query('alter table u alter n type bigint');
    await hold.release();
    expect(await copy).toMatchObject({ kind: 'table_rewritten', detail: { table: 'public.u' } });
    await fixture.copy(['public.t', 'public.u']);
    expect(await fixture.difference(['public.t', 'public.u'])).toBe('');
    const [copied] = await fixture.destination.query('select count(*)::int as rows from u');
    expect(copied).toEqual({ rows: 100 });
  });

  it('in the destination goes on afterwards', async () => {
    const hold = await holdDestination();
    const copy = failureOf(fixture.copy(['public.t']));
    const pid = await fixture.backendOf(fixture.destination, 'copy%', 'advisory');
    await fixture.destination.query('select pg_terminate_backend($1)', [pid]);
    const { kind, detail } = await copy;
    expect(detail['role']).toBe('destination');
    // The server's last word may be lost when its socket is closed with what we sent still in it.
    expect(['server_shutting_down', 'destination_unreachable']).toContain(kind);
    await hold.release();
    await fixture.copy(['public.t']);
    expect(await fixture.difference(['public.t'])).toBe('');
  });

  it('by its caller ends at once with the reason, both servers free', async () => {
    const hold = await holdDestination();
    const stop = new AbortController();
    const copy = fixture.copy(['public.t'], { signal: stop.signal });
    const outcome = copy.catch((reason: unknown) => reason);
    await fixture.backendOf(fixture.destination, 'copy%', 'advisory');
    stop.abort(new Error('paused'));
    expect(await outcome).toMatchObject({ message: 'paused' });
    // The backend that waited for the lock has been told to give up, so the table is free while the lock is still held.
    await fixture.untilNothingIsLeft();
    await hold.release();
    await fixture.copy(['public.t']);
    expect(await fixture.difference(['public.t'])).toBe('');
  });

  it('while its snapshot waits for a long transaction of the source ends at once', async () => {
    await fixture.both('create table t (id int primary key)');
    const writer = await fixture.source.connect();
    await writer.query('begin');
    await writer.query('insert into t values (1)');
    const stop = new AbortController();
    const outcome = fixture
      .copy(['public.t'], { signal: stop.signal })
      .catch((reason: unknown) => reason);
    await fixture.backendOf(fixture.source, 'CREATE_REPLICATION_SLOT%');
    stop.abort(new Error('paused'));
    expect(await outcome).toMatchObject({ message: 'paused' });
    await writer.end();
  });

  it('between ranges empties the unfinished table and keeps the finished one with its position', async () => {
    await fixture.both('create table big (id int primary key); create table small (id int)');
    await fixture.source.query(
      `insert into big select generate_series(1, 20000); insert into small values (1); analyze`,
    );
    const stop = new AbortController();
    onFaultPoint((point) => {
      const isSmallDone = fixture.states.includes('public.small running 1');
      if (point === 'copy.between_ranges' && isSmallDone) stop.abort(new Error('killed'));
    });
    const options = { snapshot_num_rows_per_partition: 1000, snapshot_max_parallel_workers: 2 };
    const tables = ['public.big', 'public.small'];
    await expect(fixture.copy(tables, { signal: stop.signal, options })).rejects.toThrow('killed');
    onFaultPoint(undefined);
    const before = await fixture.tableState('public.small');
    expect(before).toMatchObject({ state: 'running', rows_copied: 1 });
    expect(await fixture.tableState('public.big')).toMatchObject({ state: 'copying' });
    await fixture.source.query('insert into small values (2)');
    expect(await fixture.copy(tables, { options })).toMatchObject({ tables: 1, rows: 20_000 });
    expect(await fixture.tableState('public.small')).toEqual(before);
    expect(await fixture.difference(['public.big'])).toBe('');
  });

  it('just before a table is done copies it again, once', async () => {
    await fixture.both('create table t (id int)');
    await fixture.source.query('insert into t values (1), (2)');
    const stop = new AbortController();
    onFaultPoint((point) => {
      if (point === 'copy.before_table_done') stop.abort(new Error('killed'));
    });
    await expect(fixture.copy(['public.t'], { signal: stop.signal })).rejects.toThrow('killed');
    onFaultPoint(undefined);
    await fixture.copy(['public.t']);
    expect(await fixture.difference(['public.t'])).toBe('');
    expect(await fixture.copy(['public.t'])).toEqual({ tables: 0, rows: 0, seconds: 0 });
  });

  it('empties an unfinished table although a foreign key of another table points to it', async () => {
    await fixture.both('create table t (id int primary key)');
    await fixture.source.query('insert into t select generate_series(1, 10)');
    await fixture.destination.query('create table other (t_id int references t)');
    const stop = new AbortController();
    onFaultPoint((point) => {
      if (point === 'copy.before_table_done') stop.abort(new Error('killed'));
    });
    await expect(fixture.copy(['public.t'], { signal: stop.signal })).rejects.toThrow('killed');
    onFaultPoint(undefined);
    await fixture.copy(['public.t']);
    expect(await fixture.difference(['public.t'])).toBe('');
  });
});

describe('a copy that another session takes over', () => {
  it('is ended where it hangs, and the other one copies everything once', async () => {
    const hold = await holdDestination();
    const older = failureOf(fixture.copy(['public.t'], { epoch: 1 }));
    await fixture.backendOf(fixture.destination, 'copy%', 'advisory');
    const newer = fixture.copy(['public.t'], { epoch: 2 });
    expect(await older).toMatchObject({ kind: 'server_shutting_down' });
    await hold.release();
    expect(await newer).toMatchObject({ tables: 1, rows: 40_000 });
    expect(await fixture.difference(['public.t'])).toBe('');
  });

  it('commits nothing more, even where its sessions were not ended', async () => {
    await fixture.both('create table t (id int)');
    await fixture.source.query('insert into t select generate_series(1, 20000); analyze t');
    let ranges = 0;
    const taken: Promise<unknown>[] = [];
    onFaultPoint((point) => {
      if (point !== 'copy.between_ranges' || (ranges += 1) !== 3) return;
      taken.push(fixture.destination.query('update _bunny.position set epoch = 7'));
    });
    const options = { snapshot_num_rows_per_partition: 500, snapshot_max_parallel_workers: 1 };
    expect(await failureOf(fixture.copy(['public.t'], { options }))).toMatchObject({
      kind: 'position_fenced',
    });
    onFaultPoint(undefined);
    expect(taken).toHaveLength(1);
    await fixture.copy(['public.t'], { epoch: 7 });
    expect(await fixture.difference(['public.t'])).toBe('');
  });
});

describe('a copy that cannot be', () => {
  it('does not touch a table that held rows before the mirror', async () => {
    await fixture.both('create table t (id int primary key); insert into t values (1)');
    const failure = await failureOf(fixture.copy(['public.t']));
    expect(failure).toMatchObject({
      kind: 'table_not_empty',
      detail: { destination_table: 'public.t' },
    });
    expect(await fixture.destination.query('select id from t')).toEqual([{ id: 1 }]);
    expect(await fixture.tableState('public.t')).toMatchObject({ state: 'pending' });
  });

  it('says which table or column is missing', async () => {
    await fixture.source.query('create table t (id int, a int, b int); create table u (id int)');
    await fixture.destination.query('create table t (id int)');
    expect(await failureOf(fixture.copy(['public.t']))).toMatchObject({
      kind: 'schema_mismatch',
      detail: { missing_columns: ['a', 'b'] },
    });
    expect(await failureOf(fixture.copy(['public.u']))).toMatchObject({
      kind: 'table_missing',
      detail: { role: 'destination', table: 'public.u' },
    });
  });

  it('names the violated constraint of the destination, without a value', async () => {
    await fixture.source.query(
      `create table t (id int, secret text); insert into t values (1, 'x'), (1, 'y')`,
    );
    await fixture.destination.query(
      'create table t (id int constraint one_of_each primary key, secret text)',
    );
    const failure = await failureOf(fixture.copy(['public.t']));
    expect(failure).toMatchObject({
      kind: 'constraint_violated',
      detail: { constraint: 'one_of_each', role: 'destination' },
    });
    expect(JSON.stringify(failure.detail) + failure.message).not.toContain('(1)');
  });

  it('refuses a table with triggers when its role may not silence them, and says what to grant', async () => {
    const role = `copier_${Math.random().toString(36).slice(2)}`;
    await fixture.both('create table plain (id int); create table t (id int)');
    await fixture.source.query('insert into plain values (1); insert into t values (1)');
    await fixture.destination.query(
      `create role ${role} login;
       alter table plain owner to ${role}; alter table t owner to ${role};
       create function f() returns trigger language plpgsql as $$ begin return new; end $$;
       create trigger f before insert on t for each row execute function f()`,
    );
    try {
      // The bookkeeping is made by the owner, then handed over.
      await fixture.copy(['public.plain'], { destinationUser: fixture.destination.user });
      await fixture.destination.query(
        `grant usage on schema _bunny to ${role};
         grant all on all tables in schema _bunny to ${role};
         truncate plain; update _bunny.table_state set state = 'pending', copy_lsn = null`,
      );
      expect(await fixture.copy(['public.plain'], { destinationUser: role })).toMatchObject({
        rows: 1,
      });
      expect(await failureOf(fixture.copy(['public.t'], { destinationUser: role }))).toMatchObject({
        kind: 'privilege_missing',
        detail: { fix: `GRANT SET ON PARAMETER session_replication_role TO "${role}"` },
      });
      await fixture.destination.query(`grant set on parameter session_replication_role to ${role}`);
      expect(await fixture.copy(['public.t'], { destinationUser: role })).toMatchObject({
        rows: 1,
      });
    } finally {
      await fixture.destination.query(`drop owned by ${role}; drop role ${role}`);
    }
  });
});
