import { THROW_AWAY_SETTINGS, createDatabase, startPostgres, until } from '@bunnydb/testkit';
import { describe, expect, it } from 'vitest';
import { CapturedMirror } from './mirror-fixture.js';
import { testNatsUrl } from './nats-url.js';

const STOP_MS = 15_000;

describe('a source that stops', () => {
  it('does not wait for a destination that does not follow', async () => {
    const server = await startPostgres({ settings: THROW_AWAY_SETTINGS });
    const database = await createDatabase({ serverUrl: server.url });
    await database.query('create table t (id int primary key, v text)');
    const mirror = await CapturedMirror.prepare(testNatsUrl(), database, { tables: ['public.t'] });
    mirror.start();
    await database.query(`insert into t values (1, 'never confirmed')`);
    await until(async () => (await mirror.changes()).length === 1, { what: 'the change' });
    const startedAt = performance.now();
    await server.stop('fast');
    expect(performance.now() - startedAt).toBeLessThan(STOP_MS);
    expect(await mirror.ended()).toMatchObject({ kind: 'server_shutting_down' });
    await mirror.close();
  });

  it('does not wait while a full stream holds reading up', async () => {
    const server = await startPostgres({ settings: THROW_AWAY_SETTINGS });
    const database = await createDatabase({ serverUrl: server.url });
    await database.query('create table t (id int, v text)');
    const mirror = await CapturedMirror.prepare(testNatsUrl(), database, {
      tables: ['public.t'],
      options: { stream_max_bytes: 1024 * 1024 },
    });
    mirror.start();
    for (let n = 0; n < 40; n++) {
      await database.query(
        `insert into t select g, repeat('x', 1000) from generate_series(1, 1000) g`,
      );
    }
    const startedAt = performance.now();
    await server.stop('fast');
    expect(performance.now() - startedAt).toBeLessThan(STOP_MS);
    expect(await mirror.ended()).toMatchObject({ kind: 'server_shutting_down' });
    await mirror.close();
  });

  it('is read on from where it was after it came back', async () => {
    const first = await startPostgres({ settings: THROW_AWAY_SETTINGS });
    const database = await createDatabase({ serverUrl: first.url });
    await database.query('create table t (id int primary key)');
    const mirror = await CapturedMirror.prepare(testNatsUrl(), database, { tables: ['public.t'] });
    mirror.start();
    await database.query('insert into t values (1)');
    await until(async () => (await mirror.changes()).length === 1, { what: 'the first change' });
    await first.kill();
    expect(await mirror.ended()).toBeDefined();
    const again = await startPostgres({
      dataDir: first.dataDir,
      port: first.port,
      settings: THROW_AWAY_SETTINGS,
    });
    await database.query('insert into t values (2)');
    mirror.start();
    await until(
      async () => {
        if (mirror.failure) throw mirror.failure;
        return (await mirror.changes()).map((c) => c.columns[0]).join() === '1,2';
      },
      { what: 'both changes, once each' },
    );
    await mirror.close();
    await again.stop('immediate');
    await first.stop('immediate');
  });
});
