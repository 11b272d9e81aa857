import { type FailureKind, MirrorError, reportOf } from '@bunnydb/failure';
import { getSpec } from '@bunnydb/messaging';
import { until } from '@bunnydb/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
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
  fixture.workers.failing.clear();
  fixture.workers.holding.clear();
  fixture.workers.commands.length = 0;
});

const pathOf = (mirror: Named): string => `/v1/mirrors/${mirror.name}`;
const show = async (mirror: Named) => (await fixture.api.get(pathOf(mirror))).body;
const resync = (mirror: Named, more = '') =>
  fixture.api.post(`${pathOf(mirror)}/resync${more}`, { strategy: 'swap' });
const verbs = (mirror: Named) =>
  fixture.workers.commands.filter((one) => one.mirror_id === mirror.id).map((one) => one.verb);
const isShown = (mirror: Named, key: string, wanted: string) =>
  until(async () => String((await show(mirror))[key]) === wanted, {
    what: () => `${mirror.name} to show ${key} ${wanted}`,
  });
const tableIs = (mirror: Named, status: 'running' | 'resyncing') =>
  fixture.workers.tell(mirror.id, 'table_state_changed', { table: 'public.users', status });

/** A mirror of its own for a test, that ran and then met a failure. */
async function failedMirror(kind: FailureKind): Promise<Named> {
  const { api, workers, messaging } = fixture;
  const name = `lost-${(count += 1)}`;
  const made = await api.post('/v1/mirrors', {
    name,
    source_peer: 'src',
    destination_peer: 'dst',
    table_mappings: ['public.users'],
  });
  expect(made.status).toBe(201);
  const mirror = { id: String(made.body['id']), name };
  await until(async () => (await getSpec(messaging, mirror.id))?.desired === 'run');
  await tableIs(mirror, 'running');
  await workers.tell(mirror.id, 'copy_finished', { tables: 1, rows: 5, seconds: 1 });
  await isShown(mirror, 'phase', 'streaming changes');
  const failure = reportOf(new MirrorError(kind, 'it is gone'));
  const told = { failure, attempt: 1, next_retry_at: null };
  await workers.tell(mirror.id, 'session_failed', told, 'capture');
  await isShown(mirror, 'status', 'error');
  workers.commands.length = 0;
  return mirror;
}

describe('a mirror that has lost its slot', () => {
  it('says so, moves nothing, and is rebuilt by a resync, step after step', async () => {
    const { workers, messaging } = fixture;
    const mirror = await failedMirror('slot_missing');
    expect(await show(mirror)).toMatchObject({ error_message: 'it is gone', next_retry_at: null });
    expect((await show(mirror))['error_hint']).toContain('/resync');
    expect((await resync(mirror, '/public.users')).status).toBe(409);
    expect(verbs(mirror)).toEqual([]);

    let letGo = (): void => undefined;
    workers.holding.set('rebuild_source', new Promise((resolve) => (letGo = resolve)));
    expect((await resync(mirror)).body).toMatchObject({ status: 'resyncing' });
    await until(() => verbs(mirror).includes('rebuild_source'));
    // The sessions had to be on hold before.
    expect((await getSpec(messaging, mirror.id))?.desired).toBe('hold');
    expect((await resync(mirror)).status).toBe(409);
    letGo();
    await until(async () => (await getSpec(messaging, mirror.id))?.desired === 'run');
    expect(verbs(mirror)).toEqual(['rebuild_source', 'restart_position']);
    expect((await getSpec(messaging, mirror.id))?.source_identity).toMatchObject({
      system_id: '8',
      start_lsn: '0/99',
    });
    expect(await show(mirror)).toMatchObject({
      status: 'resyncing',
      error_message: null,
      tables: [{ status: 'resyncing' }],
    });
    await tableIs(mirror, 'running');
    await isShown(mirror, 'status', 'running');
    await until(() => verbs(mirror).includes('build_structure'));
    const { body } = await fixture.api.get(`${pathOf(mirror)}/logs?category=resync`);
    expect(JSON.stringify(body['logs'])).toContain('"actor":"admin"');
  });

  it('shows why a rebuild waits, and when it is tried again', async () => {
    const mirror = await failedMirror('foreign_server');
    fixture.workers.failing.set('rebuild_source', 1);
    await resync(mirror);
    await isShown(mirror, 'status', 'error');
    const shown = await show(mirror);
    expect(shown).toMatchObject({ error_message: 'the source cannot be reached' });
    expect(shown['next_retry_at']).not.toBeNull();
    await fixture.api.post(`${pathOf(mirror)}/retry`, {});
    await until(async () => (await getSpec(fixture.messaging, mirror.id))?.desired === 'run');
  });

  it('is left as it is by a word that comes twice', async () => {
    const mirror = await failedMirror('slot_invalidated');
    await resync(mirror);
    await isShown(mirror, 'phase', 'streaming changes; copying every table again');
    await tableIs(mirror, 'running');
    await isShown(mirror, 'status', 'running');
    const late = { command_id: 'of before', start_lsn: '0/1', tables: 1 };
    await fixture.workers.tell(mirror.id, 'position_restarted', late);
    await fixture.workers.tell(mirror.id, 'copy_started', { tables: ['a mark'] });
    await until(async () =>
      JSON.stringify((await fixture.api.get(`${pathOf(mirror)}/logs`)).body).includes('a mark'),
    );
    expect(await show(mirror)).toMatchObject({
      status: 'running',
      tables: [{ status: 'running' }],
    });
  });
});
