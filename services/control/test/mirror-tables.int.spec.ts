import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AnyCommand, TableStatus } from '@bunnydb/contracts';
import type { FailureReport } from '@bunnydb/failure';
import { getSpec } from '@bunnydb/messaging';
import { until } from '@bunnydb/testkit';
import { type Fixture, createPeers, openFixture } from './control-fixture.js';

interface Named {
  readonly id: string;
  readonly name: string;
}

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
  const { workers } = fixture;
  workers.failing.clear();
  workers.holding.clear();
  workers.commands.length = 0;
  workers.checks = [];
  workers.sourceTables = ['public.users'];
  workers.stale = [];
});

const failure: FailureReport = {
  kind: 'constraint_violated',
  message: 'the destination: a constraint was violated',
  hint: 'Remove the row.',
  action: 'retry_timed',
  detail: { constraint: 'users_email_key' },
};
const pathOf = (mirror: Named): string => `/v1/mirrors/${mirror.name}`;
const show = async (mirror: Named) => (await fixture.api.get(pathOf(mirror))).body;
const verbs = (mirror: Named) =>
  fixture.workers.commands.filter((one) => one.mirror_id === mirror.id).map((one) => one.verb);
const commandsOf = <Verb extends AnyCommand['verb']>(mirror: Named, verb: Verb) =>
  fixture.workers.commands.filter(
    (one): one is Extract<AnyCommand, { verb: Verb }> =>
      one.mirror_id === mirror.id && one.verb === verb,
  );
const hasShown = (mirror: Named, key: string, wanted: string) =>
  until(async () => String((await show(mirror))[key]).includes(wanted), {
    what: () => `${mirror.name} to show ${key} ${wanted}`,
  });
const tableIs = (mirror: Named, table: string, status: TableStatus, failed?: FailureReport) =>
  fixture.workers.tell(mirror.id, 'table_state_changed', {
    table,
    status,
    ...(failed ? { failure: failed, next_retry_at: '2031-01-01T00:00:00.000Z' } : {}),
  });
const tablesOf = async (mirror: Named) =>
  Object((await fixture.api.get(`${pathOf(mirror)}/tables`)).body['tables']) as readonly {
    readonly table_name: string;
    readonly status: string;
  }[];
const log = async (mirror: Named, filter: string) =>
  Object((await fixture.api.get(`${pathOf(mirror)}/logs?${filter}`)).body['logs']) as readonly {
    readonly message: string;
    readonly details: Readonly<Record<string, unknown>>;
  }[];

/** A mirror of its own for a test, running. */
async function runningMirror(tables: unknown = ['public.users']): Promise<Named> {
  const { api, workers, messaging } = fixture;
  const name = `lanes-${(count += 1)}`;
  const body = { name, source_peer: 'src', destination_peer: 'dst', table_mappings: tables };
  const made = await api.post('/v1/mirrors', body);
  expect(made.status).toBe(201);
  const mirror = { id: String(made.body['id']), name };
  await until(async () => (await getSpec(messaging, mirror.id))?.desired === 'run');
  await tableIs(mirror, 'public.users', 'running');
  await workers.tell(mirror.id, 'copy_finished', { tables: 1, rows: 5, seconds: 1 });
  await until(async () => (await show(mirror))['phase'] === 'streaming changes');
  return mirror;
}

describe('a table that is held', () => {
  it('is shown with its reason, leaves the mirror running, and is retried by name', async () => {
    const { api } = fixture;
    const mirror = await runningMirror();
    const retry = (body: object) => api.post(`${pathOf(mirror)}/retry`, body);
    expect((await retry({ table: 'public.users' })).status).toBe(409);
    await tableIs(mirror, 'public.users', 'held', failure);
    await hasShown(mirror, 'phase', '1 table held');
    expect(await show(mirror)).toMatchObject({
      status: 'running',
      tables: [
        {
          status: 'held',
          error_message:
            'the destination: a constraint was violated (constraint users_email_key): Remove the row.',
          next_retry_at: '2031-01-01T00:00:00.000Z',
        },
      ],
    });
    expect((await retry({ table: 'public.none' })).status).toBe(404);
    expect((await retry({ skip_lsn: '0/1' })).status).toBe(400);
    expect((await retry({ table: 'public.users', skip_lsn: 'x' })).status).toBe(400);
    expect((await retry({ table: 'public.users' })).status).toBe(200);
    await until(() => commandsOf(mirror, 'change_lanes').length === 1);
    expect((await retry({ table: 'public.users', skip_lsn: '0/ab' })).status).toBe(200);
    await until(() => commandsOf(mirror, 'change_lanes').length === 2);
    expect(commandsOf(mirror, 'change_lanes').map(({ body }) => body)).toMatchObject([
      { wish: { action: 'retry' }, tables: ['public.users'] },
      { wish: { action: 'skip', commit_lsn: '0/AB' }, tables: ['public.users'] },
    ]);
    const [skip] = await log(mirror, 'search=leave%20out');
    expect(skip?.details).toMatchObject({ actor: 'admin', commit_lsn: '0/AB' });
    await tableIs(mirror, 'public.users', 'running');
    await until(async () => (await show(mirror))['phase'] === 'streaming changes');
    expect((await tablesOf(mirror))[0]).toMatchObject({ error_message: null });
  });
});

describe('a hold', () => {
  it('is told to the lane of the table, by whichever name, and is in the log with who asked', async () => {
    const { api } = fixture;
    const mirror = await runningMirror([
      { source_table: 'public.users', destination_table: 'archive.people' },
    ]);
    const hold = (table: string) => api.post(`${pathOf(mirror)}/hold/${table}`);
    expect((await hold('public.none')).status).toBe(404);
    expect(await hold('archive.people')).toMatchObject({
      status: 200,
      body: { status: 'running', message: 'archive.people is held; its changes are kept' },
    });
    await until(() => commandsOf(mirror, 'change_lanes').length === 1);
    expect(commandsOf(mirror, 'change_lanes')[0]?.body).toMatchObject({
      wish: { action: 'hold' },
      tables: ['public.users'],
    });
    const [line] = await log(mirror, 'search=hold%20of');
    expect(line?.details).toMatchObject({ actor: 'admin', table: 'public.users' });
    await tableIs(mirror, 'public.users', 'held');
    await until(async () => (await show(mirror))['tables_waiting'] === 1);
    expect((await hold('public.users')).status).toBe(409);
  });
});

describe('a resync', () => {
  it('of one table shows at the table only, and is one at a time', async () => {
    const { api } = fixture;
    const mirror = await runningMirror([
      { source_table: 'public.users', destination_table: 'archive.people' },
    ]);
    const resync = (table: string, body?: object) =>
      api.post(`${pathOf(mirror)}/resync/${table}`, body);
    expect((await resync('public.none')).status).toBe(404);
    expect((await resync('public.users', { strategy: 'burn' })).status).toBe(400);
    const asked = await resync('archive.people', { strategy: 'swap' });
    expect(asked).toMatchObject({ status: 200, body: { status: 'running' } });
    expect((await resync('public.users')).status).toBe(409);
    await until(() => commandsOf(mirror, 'change_lanes').length === 1);
    expect(commandsOf(mirror, 'change_lanes')[0]?.body).toMatchObject({
      wish: { action: 'resync', strategy: 'swap', together: false },
      tables: ['public.users'],
    });
    await tableIs(mirror, 'public.users', 'resyncing');
    await until(async () => (await tablesOf(mirror))[0]?.status === 'resyncing');
    expect((await show(mirror))['status']).toBe('running');
    await tableIs(mirror, 'public.users', 'running');
    await until(() => verbs(mirror).filter((verb) => verb === 'build_structure').length === 2, {
      what: 'the structure to be built again',
    });
    expect((await resync('public.users')).status).toBe(200);
  });

  it('of all says so until every table is back, also over a restart of control', async () => {
    const { api } = fixture;
    const mirror = await runningMirror();
    expect((await api.send('PATCH', pathOf(mirror), { resync_strategy: 'swap' })).status).toBe(200);
    const asked = await api.post(`${pathOf(mirror)}/resync`);
    expect(asked.body).toMatchObject({ status: 'resyncing' });
    expect((await api.post(`${pathOf(mirror)}/resync`)).status).toBe(409);
    await until(() => commandsOf(mirror, 'change_lanes').length === 1);
    expect(commandsOf(mirror, 'change_lanes')[0]?.body).toMatchObject({
      wish: { strategy: 'swap', together: true },
      tables: [],
    });
    await tableIs(mirror, 'public.users', 'resyncing');
    await until(async () => (await tablesOf(mirror))[0]?.status === 'resyncing');
    await fixture.control().stop();
    await fixture.restart();
    expect((await show(mirror))['status']).toBe('resyncing');
    await tableIs(mirror, 'public.users', 'running');
    await hasShown(mirror, 'status', 'running');
    const [finished] = await log(mirror, 'category=resync&search=finished');
    expect(finished?.details).toMatchObject({ tables: 1, seconds: expect.any(Number) });
  });
});

describe('a mirror back', () => {
  it('of tables that another one brings is refused, when it is made and when it gets them later', async () => {
    const { api } = fixture;
    await runningMirror();
    const back = { name: 'back', source_peer: 'dst', destination_peer: 'src' };
    const refused = await api.post('/v1/mirrors', { ...back, table_mappings: ['public.users'] });
    expect(refused).toMatchObject({ status: 422, body: { checks: [{ name: 'no_loop' }] } });
    expect(refused.body['detail']).toMatch(/public\.users would come back by the mirror lanes-\d/);
    const made = await api.post('/v1/mirrors', { ...back, table_mappings: ['public.orders'] });
    expect(made.status).toBe(201);
    const id = String(made.body['id']);
    await until(async () => (await getSpec(fixture.messaging, id))?.desired === 'run');
    const table_mappings = ['public.orders', 'public.users'];
    const later = await api.send('PUT', '/v1/mirrors/back/tables', { table_mappings });
    expect(later).toMatchObject({ status: 422, body: { checks: [{ name: 'no_loop' }] } });
    expect((await api.send('DELETE', '/v1/mirrors/back')).status).toBe(200);
  });
});

describe('other tables', () => {
  it('join and leave while the mirror runs, and those that leave are dropped when asked', async () => {
    const { api, workers, messaging } = fixture;
    const mirror = await runningMirror();
    workers.commands.length = 0;
    const put = (table_mappings: unknown, query = '') =>
      api.send('PUT', `${pathOf(mirror)}/tables${query}`, { table_mappings });
    expect((await put([])).status).toBe(400);
    const asked = await put(['public.users', 'public.orders']);
    expect(asked).toMatchObject({
      status: 200,
      body: { status: 'running', added: ['public.orders'], removed: [] },
    });
    expect(workers.questions.at(-1)?.wishes).toEqual([{ source: 'public.orders' }]);
    await until(async () => (await tablesOf(mirror)).length === 2, { what: 'the new table' });
    expect(verbs(mirror)).toEqual(['provision_tables', 'change_publication']);
    const spec = await until(async () => {
      const found = await getSpec(messaging, mirror.id);
      return found?.tables.length === 2 ? found : undefined;
    });
    expect(spec).toMatchObject({ desired: 'run' });
    expect((await tablesOf(mirror))[1]).toMatchObject({
      table_name: 'public.orders',
      status: 'pending',
    });
    await tableIs(mirror, 'public.orders', 'copying');
    await tableIs(mirror, 'public.orders', 'running');
    await until(() => verbs(mirror).includes('build_structure'), { what: 'its structure' });

    const gone = await put(['public.orders'], '?drop_removed=true');
    expect(gone.body).toMatchObject({ added: [], removed: ['public.users'] });
    await hasShown(mirror, 'phase', 'let go');
    // The word to the workers follows what people are shown.
    const generation = await until(async () => {
      const next = (await getSpec(messaging, mirror.id))?.generation ?? 0;
      return next > (spec?.generation ?? 0) ? next : undefined;
    });
    await workers.tell(mirror.id, 'session_started', { generation });
    await until(() => verbs(mirror).includes('drop_tables'));
    expect(commandsOf(mirror, 'drop_tables')[0]?.body.spec.tables).toMatchObject([
      { source: { table: 'users' } },
    ]);
    await until(async () => (await show(mirror))['phase'] === 'streaming changes');
    const [changed] = await log(mirror, 'category=user&search=other%20tables');
    expect(changed?.details).toMatchObject({ actor: 'admin', removed: ['public.users'] });
  });

  it('are refused with everything that has to be mended, and nothing changes', async () => {
    const { api, workers } = fixture;
    const mirror = await runningMirror();
    workers.checks = [{ name: 'table_select', ok: false, detail: 'may not', fix: 'GRANT …' }];
    const refused = await api.send('PUT', `${pathOf(mirror)}/tables`, {
      table_mappings: ['public.users', 'public.orders'],
    });
    expect(refused.status).toBe(422);
    expect(refused.body['checks']).toEqual(workers.checks);
    const twice = [{ source_table: 'public.users', destination_table: 'other.users' }];
    const moved = await api.send('PUT', `${pathOf(mirror)}/tables`, { table_mappings: twice });
    expect(moved.status).toBe(409);
    workers.checks = [];
    const clash = ['public.users', { source_table: 'a.b', destination_table: 'public.users' }];
    const both = await api.send('PUT', `${pathOf(mirror)}/tables`, { table_mappings: clash });
    expect(both.status).toBe(422);
    expect(await tablesOf(mirror)).toHaveLength(1);
  });

  it('one change at a time; one that fails is shown, retried or replaced, and deleted with the mirror', async () => {
    const { api, workers } = fixture;
    const mirror = await runningMirror();
    const put = (...tables: readonly string[]) =>
      api.send('PUT', `${pathOf(mirror)}/tables`, { table_mappings: tables });
    workers.failing.set('change_publication', 1_000);
    expect((await put('public.users', 'public.orders')).status).toBe(200);
    await hasShown(mirror, 'error_message', 'cannot be reached');
    expect((await show(mirror))['status']).toBe('running');
    await until(async () => (await put('public.users', 'public.items')).status === 200, {
      what: 'the waiting edit to be replaced',
    });
    await until(() =>
      commandsOf(mirror, 'provision_tables').some(({ body }) =>
        body.spec.tables.some(({ source }) => source.table === 'items'),
      ),
    );
    let letGo = (): void => undefined;
    workers.failing.clear();
    const held = new Promise<void>((resolve) => (letGo = resolve));
    workers.holding.set('change_publication', held);
    await until(async () => (await api.post(`${pathOf(mirror)}/retry`)).status !== 200);
    await until(() => commandsOf(mirror, 'change_publication').length > 0);
    await until(async () => (await put('public.users')).status === 409, { what: 'a refusal' });
    expect((await api.send('DELETE', `${pathOf(mirror)}?drop_tables=true`)).status).toBe(200);
    await hasShown(mirror, 'phase', 'step under way');
    expect(verbs(mirror)).not.toContain('clean_source');
    letGo();
    await until(async () => (await api.get(pathOf(mirror))).status === 404, { what: 'the end' });
    const dropped = commandsOf(mirror, 'drop_tables')[0]?.body.spec.tables ?? [];
    expect(dropped.map(({ source }) => source.table)).toEqual(['users', 'items']);
  });

  it('that appear on the source and fit the pattern join by themselves, as the history tells', async () => {
    const { workers, messaging } = fixture;
    const mirror = await runningMirror(['public.*']);
    expect((await getSpec(messaging, mirror.id))?.patterns).toEqual([
      { source_schema: 'public', destination_schema: '*', exclude_columns: [] },
    ]);
    const name = { schema: 'public', table: 'fresh' };
    const tables = [{ source: name, destination: name, exclude_columns: [] }];
    await workers.tell(mirror.id, 'tables_appeared', { tables }, 'schema');
    await until(async () => (await getSpec(messaging, mirror.id))?.tables.length === 2);
    const [joined] = await log(mirror, 'category=schema&search=follows%20the%20tables');
    expect(joined?.details).toMatchObject({ actor: 'schema/schema-1', added: ['public.fresh'] });
    await workers.tell(mirror.id, 'structure_compared', { pending: 2, objects: ['x'] }, 'schema');
    await until(async () => (await show(mirror))['pending_schema_changes'] === 2);
  });
});

describe('a sync of the schema', () => {
  it('is waited for, shown, and told with who asked and how long it took', async () => {
    const { api, workers } = fixture;
    const mirror = await runningMirror();
    let letGo = (): void => undefined;
    workers.holding.set('sync_schema', new Promise((resolve) => (letGo = resolve)));
    const answer = api.post(`${pathOf(mirror)}/sync-schema`, { changes: ['c1'] });
    await hasShown(mirror, 'status', 'syncing_schema');
    expect((await api.post(`${pathOf(mirror)}/sync-schema`, {})).status).toBe(409);
    letGo();
    expect((await answer).body).toMatchObject({
      applied: [{ id: 'c1', kind: 'create_index' }],
      skipped: [],
      failed: [],
    });
    await hasShown(mirror, 'status', 'running');
    expect(commandsOf(mirror, 'sync_schema')[0]?.body).toMatchObject({
      changes: ['c1'],
      allow_destructive: false,
    });
    const [asked] = await log(mirror, 'category=user&search=structure');
    expect(asked?.details).toMatchObject({ actor: 'admin', changes: ['c1'] });
    const [made] = await log(mirror, 'search=structure%20were%20made');
    expect(made?.details).toMatchObject({ seconds: expect.any(Number) });
  });

  it('goes on without whoever asked, and says what failed or was stale', async () => {
    const { api, workers } = fixture;
    const mirror = await runningMirror();
    let letGo = (): void => undefined;
    workers.holding.set('sync_schema', new Promise((resolve) => (letGo = resolve)));
    const leaving = new AbortController();
    const left = fetch(`${api.url}${pathOf(mirror)}/sync-schema`, {
      method: 'POST',
      headers: { authorization: `Bearer ${api.token}` },
      signal: leaving.signal,
    });
    await hasShown(mirror, 'status', 'syncing_schema');
    leaving.abort();
    await expect(left).rejects.toThrow();
    letGo();
    await hasShown(mirror, 'status', 'running');
    workers.failing.set('sync_schema', 1);
    const failed = await api.post(`${pathOf(mirror)}/sync-schema`, {});
    expect(failed).toMatchObject({ status: 503 });
    expect(failed.body['detail']).toContain('cannot be reached');
    workers.stale = ['c9'];
    const stale = await api.post(`${pathOf(mirror)}/sync-schema`, {});
    expect(stale).toMatchObject({ status: 409 });
    expect(stale.body['detail']).toContain('c9');
  });
});
