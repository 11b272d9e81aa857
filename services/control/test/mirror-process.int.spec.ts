import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SPEC_BUCKET } from '@bunnydb/contracts';
import { deleteSpec, getSpec } from '@bunnydb/messaging';
import { until } from '@bunnydb/testkit';
import { type Fixture, createPeers, openFixture } from './control-fixture.js';

let fixture: Fixture;
let count = 0;

beforeAll(async () => {
  fixture = await openFixture();
  fixture.workers.answerQueries();
  fixture.workers.answerCommands();
  await createPeers(fixture.api);
});
afterAll(async () => {
  await fixture.close();
});
afterEach(() => {
  fixture.workers.failing.clear();
  fixture.workers.commands.length = 0;
});

/** Creates a mirror of its own for a test. */
async function createMirror(): Promise<{ readonly id: string; readonly name: string }> {
  const name = `shop-${(count += 1)}`;
  const made = await fixture.api.post('/v1/mirrors', {
    name,
    source_peer: 'src',
    destination_peer: 'dst',
    table_mappings: ['public.*'],
  });
  expect(made.status).toBe(201);
  expect(made.headers.get('location')).toBe(`/v1/mirrors/${name}`);
  return { id: String(made.body['id']), name };
}

const show = async (name: string) => (await fixture.api.get(`/v1/mirrors/${name}`)).body;

async function waitForStatus(name: string, status: string): Promise<void> {
  let seen: unknown;
  await until(
    async () => {
      seen = (await show(name))['status'];
      return seen === status;
    },
    { what: () => `${name} to be ${status}; it is ${String(seen)}\n${fixture.control().tail(5)}` },
  );
}

const waitUntilGone = (name: string) =>
  until(async () => (await fixture.api.get(`/v1/mirrors/${name}`)).status === 404, {
    what: `${name} to be gone`,
  });

async function makeRunning(mirror: { readonly id: string; readonly name: string }): Promise<void> {
  const { workers } = fixture;
  await until(async () => (await getSpec(fixture.messaging, mirror.id))?.desired === 'run', {
    what: 'the spec to say run',
  });
  await workers.tell(mirror.id, 'copy_started', { tables: ['public.users'] });
  await waitForStatus(mirror.name, 'snapshotting');
  await workers.tell(mirror.id, 'table_state_changed', {
    table: 'public.users',
    status: 'running',
    rows: 5,
  });
  await workers.tell(mirror.id, 'copy_finished', { tables: 1, rows: 5, seconds: 1 });
  await waitForStatus(mirror.name, 'running');
  await until(async () => (await show(mirror.name))['phase'] === 'streaming changes', {
    what: 'indexes and foreign keys to be built',
  });
}

const verbs = (id: string) =>
  fixture.workers.commands
    .filter((command) => command.mirror_id === id)
    .map((command) => command.verb);

describe('a mirror', () => {
  it('is set up, runs, is paused and resumed, and leaves nothing when it is deleted', async () => {
    const { api, messaging } = fixture;
    const mirror = await createMirror();
    await makeRunning(mirror);
    expect(verbs(mirror.id)).toEqual(['provision_tables', 'prepare_source', 'build_structure']);
    const full = await show(mirror.name);
    expect(full).toMatchObject({
      phase: 'streaming changes',
      slot_name: `bunny_${mirror.id}`,
      last_lsn: '0/10',
      tables: [{ table_name: 'public.users', status: 'running', rows_synced: 5 }],
    });
    expect(await getSpec(messaging, mirror.id)).toMatchObject({
      desired: 'run',
      source_identity: { system_id: '7' },
    });
    expect((await api.post(`/v1/mirrors/${mirror.name}/resume`)).status).toBe(409);
    expect((await api.post(`/v1/mirrors/${mirror.name}/pause`)).body).toMatchObject({
      name: mirror.name,
      status: 'paused',
    });
    await until(async () => (await getSpec(messaging, mirror.id))?.desired === 'hold');
    expect((await api.post(`/v1/mirrors/${mirror.name}/pause`)).status).toBe(409);
    expect((await api.post(`/v1/mirrors/${mirror.name}/resume`)).status).toBe(200);
    await until(async () => (await getSpec(messaging, mirror.id))?.desired === 'run');
    expect((await api.send('DELETE', '/v1/peers/src')).body['detail']).toContain(mirror.name);

    const deleted = await api.send('DELETE', `/v1/mirrors/${mirror.name}?drop_tables=true`);
    expect(deleted.body).toEqual({ deleted: mirror.name });
    await waitUntilGone(mirror.name);
    expect(await getSpec(messaging, mirror.id)).toBeUndefined();
    expect(verbs(mirror.id).toSorted()).toEqual([
      'build_structure',
      'clean_destination',
      'clean_source',
      'drop_tables',
      'prepare_source',
      'provision_tables',
    ]);
    const rest = await fixture.catalog.query(
      `select mirror_id from mirrors where mirror_id = $1
       union all select mirror_id from mirror_tables where mirror_id = $1
       union all select mirror_id from mirror_logs where mirror_id = $1`,
      [mirror.id],
    );
    expect(rest).toEqual([]);
  });

  it('tells the pending changes of its structure and makes them, but none that is no longer pending', async () => {
    const { api } = fixture;
    const mirror = await createMirror();
    await makeRunning(mirror);
    const { name } = mirror;
    const pending = await api.get(`/v1/mirrors/${name}/schema-diff`);
    expect(pending.body).toMatchObject({ tables: ['users'], changes: [{ id: 'c1' }] });
    const path = `/v1/mirrors/${name}/sync-schema`;
    expect((await api.post(path, { dry_run: true })).body['applied']).toEqual([]);
    expect((await api.post(path, { changes: ['c1'] })).body).toEqual({
      applied: [expect.objectContaining({ id: 'c1' })],
      skipped: [],
      failed: [],
      left_off: 0,
    });
    const stale = await api.post(path, { changes: ['c1', 'c2'] });
    expect(stale.status).toBe(409);
    expect(stale.body['detail']).toContain('c2');
    expect((await api.post(path, { include: ['colours'] })).status).toBe(400);
    expect((await api.get('/v1/mirrors/none/schema-diff')).status).toBe(404);
  });

  it('a failed step shows why, and is tried again by itself and by retry', async () => {
    const { api, workers } = fixture;
    workers.failing.set('prepare_source', 3);
    const mirror = await createMirror();
    await waitForStatus(mirror.name, 'error');
    const failed = await show(mirror.name);
    expect(failed['error_message']).toBe('the source cannot be reached');
    expect(Date.parse(String(failed['next_retry_at']))).toBeGreaterThan(Date.now() - 60_000);
    await until(() => verbs(mirror.id).filter((verb) => verb === 'prepare_source').length >= 2, {
      what: 'the second try',
    });
    await waitForStatus(mirror.name, 'error');
    await until(async () => (await api.post(`/v1/mirrors/${mirror.name}/retry`)).status === 200, {
      what: 'a retry to be possible',
    });
    await makeRunning(mirror);
    expect((await show(mirror.name))['error_count']).toBeGreaterThanOrEqual(2);
    expect((await api.post(`/v1/mirrors/${mirror.name}/retry`)).status).toBe(409);
  });

  it('a word of a worker is recorded once, however often it comes', async () => {
    const { workers, catalog } = fixture;
    const mirror = await createMirror();
    await makeRunning(mirror);
    const event = await workers.tell(mirror.id, 'session_started', { generation: 2 });
    await workers.repeat(event);
    await workers.repeat(event);
    await workers.tell(mirror.id, 'session_failed', {
      failure: {
        kind: 'source_unreachable',
        message: 'the source cannot be reached',
        hint: 'Start it.',
        action: 'retry_timed',
        detail: {},
      },
      attempt: 1,
      next_retry_at: null,
    });
    await waitForStatus(mirror.name, 'error');
    const rows = await catalog.query('select 1 from events where event_id = $1', [event.event_id]);
    expect(rows).toHaveLength(1);
  });

  it('a word that cannot be understood does not hold up those behind it', async () => {
    const { workers, messaging } = fixture;
    const mirror = await createMirror();
    const subject = `bunny.evt.${mirror.id}.apply.odd`;
    const odd = { event_id: 'x', type: 'odd', mirror_id: mirror.id, body: {} };
    await messaging.js.publish(subject, JSON.stringify(odd));
    await messaging.js.publish(subject, 'not json');
    const nul = { ...odd, event_id: 'y', type: 'copy_started', service: 'apply', instance: 'a' };
    await messaging.js.publish(subject, JSON.stringify({ ...nul, body: { tables: ['\0'] } }));
    await makeRunning(mirror);
    await workers.tell('munknown', 'copy_started', { tables: [] });
    await fixture.api.post(`/v1/mirrors/${mirror.name}/pause`);
    await waitForStatus(mirror.name, 'paused');
  });

  it('options that may change do, the others are refused by name', async () => {
    const { api, messaging } = fixture;
    const mirror = await createMirror();
    await makeRunning(mirror);
    const path = `/v1/mirrors/${mirror.name}`;
    const changed = await api.send('PATCH', path, { max_batch_size: 500, on_table_error: 'stop' });
    expect(changed.body['config']).toMatchObject({ max_batch_size: 500, on_table_error: 'stop' });
    await until(async () => (await getSpec(messaging, mirror.id))?.options.max_batch_size === 500, {
      what: 'the spec to carry the new option',
    });
    const fixed = await api.send('PATCH', path, { do_initial_snapshot: false, max_batch_size: 1 });
    expect(fixed.status).toBe(409);
    expect(fixed.body['detail']).toContain('do_initial_snapshot');
  });

  it('a changed peer reaches the spec in a new generation', async () => {
    const { api, messaging } = fixture;
    const mirror = await createMirror();
    await makeRunning(mirror);
    const before = (await getSpec(messaging, mirror.id))?.generation ?? 0;
    expect((await api.send('PUT', '/v1/peers/dst', { host: 'moved.example' })).status).toBe(200);
    await until(async () => {
      const spec = await getSpec(messaging, mirror.id);
      return spec?.destination.host === 'moved.example' && spec.generation === before + 1;
    });
  });

  it('two of one name cannot be made, not even at the same time', async () => {
    const body = {
      name: 'only-one',
      source_peer: 'src',
      destination_peer: 'dst',
      all_tables: true,
    };
    const made = await Promise.all(
      [1, 2, 3].map(() => fixture.api.post('/v1/mirrors', body).then((answer) => answer.status)),
    );
    expect(made.toSorted()).toEqual([201, 409, 409]);
  });
});

describe('history', () => {
  it('logs can be searched and paged, events are newest first and go on behind an id', async () => {
    const { api } = fixture;
    const mirror = await createMirror();
    await makeRunning(mirror);
    await api.post(`/v1/mirrors/${mirror.name}/pause`);
    const logs = await api.get(`/v1/mirrors/${mirror.name}/logs?search=COPY&limit=1`);
    expect(logs.body).toMatchObject({ total: 2, logs: [{ message: 'copy finished' }] });
    const user = await api.get(`/v1/mirrors/${mirror.name}/logs?category=user&level=info`);
    expect(user.body).toMatchObject({ total: 1, logs: [{ message: 'paused' }] });
    const events = await api.get(`/v1/mirrors/${mirror.name}/events?limit=2`);
    const [last, previous] = Object(events.body['events']) as readonly {
      id: number;
      type: string;
    }[];
    expect(last).toMatchObject({ type: 'mirror_paused', actor: 'admin' });
    const after = await api.get(`/v1/mirrors/${mirror.name}/events?after=${previous?.id}`);
    expect(after.body['events']).toMatchObject([{ type: 'mirror_paused' }]);
  });

  it('is followed live, with progress, until the mirror is gone', async () => {
    const { api, workers } = fixture;
    const mirror = await createMirror();
    await makeRunning(mirror);
    const response = await fetch(`${api.url}/v1/mirrors/${mirror.name}/events/stream`, {
      headers: { authorization: `Bearer ${api.token}` },
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    let text = '';
    const reading = (async () => {
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) text += decoder.decode(chunk);
    })();
    await until(() => text.includes('event: copy_finished') && text.includes('event: progress'));
    await workers.tell(mirror.id, 'session_started', { generation: 9 });
    await until(() => text.includes('event: session_started'), { what: 'the live event' });
    await api.send('DELETE', `/v1/mirrors/${mirror.name}`);
    await reading;
    expect(text).toMatch(/event: end\ndata: \{\}\n\n$/);
    expect(text.match(/event: mirror_created/g)).toHaveLength(1);
  });

  it('metrics follow what the workers tell, now and over a window', async () => {
    const { api, messaging } = fixture;
    const mirror = await createMirror();
    await makeRunning(mirror);
    const common = { v: 1, mirror_id: mirror.id, at: new Date().toISOString() };
    messaging.publishJson(`bunny.stats.${mirror.id}.capture`, {
      ...common,
      service: 'capture',
      source_lsn: '0/200',
      published_lsn: '0/180',
      confirmed_lsn: '0/100',
      retained_wal_bytes: 7,
      stream_bytes: 8,
      stream_messages: 9,
      transactions: 1,
      changes: 1,
      bytes: 1,
    });
    messaging.publishJson(`bunny.stats.${mirror.id}.apply`, {
      ...common,
      service: 'apply',
      phase: 'streaming',
      applied_lsn: '0/180',
      flushed_lsn: '0/180',
      applied_commit_time: null,
      lag_seconds: 0.25,
      last_batch_id: 'b1',
      transactions: 1,
      changes: 1,
      batches: 1,
      exact_path_batches: 0,
      missing_rows: 0,
      tables: [],
    });
    messaging.publishJson(`bunny.stats.${mirror.id}.apply`, 'nonsense');
    await until(async () => (await show(mirror.name))['lag_bytes'] === 0x80, { what: 'the lag' });
    const metrics = await api.get(`/v1/mirrors/${mirror.name}/metrics?window=15m`);
    expect(metrics.body).toMatchObject({
      lag_bytes: 128,
      lag_seconds: 0.25,
      retained_wal_bytes: 7,
    });
    expect(Object(metrics.body['series'])).not.toHaveLength(0);
  });
});

describe('a restart', () => {
  it('puts right the specs that NATS lost, and removes those of no mirror', async () => {
    const { messaging } = fixture;
    const mirror = await createMirror();
    await makeRunning(mirror);
    await fixture.control().stop();
    await deleteSpec(messaging, mirror.id);
    const bucket = await messaging.bucket(SPEC_BUCKET);
    await bucket.put('mstray', JSON.stringify({ id: 'mstray', generation: 1, desired: 'run' }));
    await fixture.restart();
    await until(async () => (await getSpec(messaging, mirror.id))?.desired === 'run');
    await until(async () => (await getSpec(messaging, 'mstray')) === undefined);
  });

  it.each(['control.after_append', 'control.before_dispatch', 'control.after_dispatch'])(
    'a crash at %s loses no step and doubles none',
    async (point) => {
      await fixture.control().stop();
      await fixture.restart({ BUNNY_FAULT_POINTS: point });
      const name = `crash-${(count += 1)}`;
      const body = { name, source_peer: 'src', destination_peer: 'dst', all_tables: true };
      // The answer may be lost with the process; what matters is what the catalog holds.
      await fixture.api.post('/v1/mirrors', body).catch(() => undefined);
      const exit = await fixture.control().exited;
      expect(exit.signal).toBe('SIGKILL');
      await fixture.restart();
      const mirror = { name, id: String((await show(name))['id']) };
      await makeRunning(mirror);
      const events = await fixture.catalog.query<{ type: string }>(
        'select type from events where stream_id = $1 order by stream_version',
        [`mirror-${mirror.id}`],
      );
      expect(events.map((event) => event.type)).toEqual([
        'mirror_created',
        'step_started',
        'tables_provisioned',
        'step_started',
        'source_prepared',
        'copy_started',
        'table_state_changed',
        'copy_finished',
        'step_started',
        'structure_built',
      ]);
      await fixture.api.send('DELETE', `/v1/mirrors/${name}`);
      await waitUntilGone(name);
    },
  );

  it('an older program refuses a catalog that a newer one has migrated', async () => {
    await fixture.control().stop();
    await fixture.catalog.query(
      `insert into catalog_migration (name, timestamp) values ('9999-future', now()::text)`,
    );
    await expect(fixture.restart()).rejects.toThrow(/newer version of BunnyDB/);
    await fixture.catalog.query(`delete from catalog_migration where name = '9999-future'`);
    await fixture.restart();
  });
});
