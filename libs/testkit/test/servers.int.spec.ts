import { chmodSync, existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  POSTGRES_VERSIONS,
  THROW_AWAY_SETTINGS,
  createDatabase,
  startNats,
  startPostgres,
  temporaryFolder,
  removeTemporaryFolder,
} from '../src/index.js';

describe('PostgreSQL', () => {
  it.each(POSTGRES_VERSIONS)(
    'version %i starts, is ready for logical replication, and leaves nothing',
    async (version) => {
      const server = await startPostgres({ version, settings: THROW_AWAY_SETTINGS });
      const database = await createDatabase({ serverUrl: server.url });
      const rows = await database.query<{ major: number; level: string }>(
        `select current_setting('server_version_num')::int / 10000 as major, current_setting('wal_level') as level`,
      );
      expect(rows).toEqual([{ major: version, level: 'logical' }]);
      await database.drop();
      await server.stop();
      expect(existsSync(server.dataDir)).toBe(false);
    },
  );

  it('keeps its data over a crash and asks for the password that it was made with', async () => {
    const folder = temporaryFolder('crash');
    chmodSync(folder, 0o777);
    const options = { dataDir: `${folder}/data`, password: 'p@ss:word/ü' };
    const first = await startPostgres(options);
    const database = await createDatabase({ serverUrl: first.url });
    await database.query('create table t (id int primary key); insert into t values (1)');
    await first.kill();
    const second = await startPostgres({ ...options, port: first.port });
    expect(await database.query('select id from t')).toEqual([{ id: 1 }]);
    const wrong = createDatabase({ serverUrl: second.url.replace(/:[^:@]+@/, ':wrong@') });
    await expect(wrong).rejects.toMatchObject({ code: '28P01' });
    await database.drop();
    await second.stop();
    removeTemporaryFolder(folder);
  });

  it('says which port is in use', async () => {
    const server = await startPostgres({ settings: THROW_AWAY_SETTINGS });
    await expect(startPostgres({ port: server.port })).rejects.toThrow(`Port ${server.port}`);
    await server.stop();
  });

  it('shows the end of its log when it does not start', async () => {
    const start = startPostgres({ settings: { shared_buffers: 'nonsense' } });
    await expect(start).rejects.toThrow(/shared_buffers/);
  });
});

describe('nats-server', () => {
  it('starts with JetStream and keeps its streams over a crash', async () => {
    const folder = temporaryFolder('nats-crash');
    const first = await startNats({ dataDir: folder });
    const state = await fetch(`${first.monitorUrl}/jsz`).then((answer) => answer.json());
    expect(state).toMatchObject({ streams: 0 });
    await first.kill();
    const second = await startNats({ dataDir: folder, port: first.port });
    await second.stop();
    removeTemporaryFolder(folder);
  });
});

describe('a test database', () => {
  it('is dropped although a slot and open sessions hold it', async () => {
    const database = await createDatabase({ prefix: 'held' });
    await database.query(
      `select pg_create_logical_replication_slot('held_' || current_database(), 'pgoutput')`,
    );
    const session = await database.connect();
    await database.drop();
    await expect(session.query('select 1')).rejects.toThrow();
  });

  it('may have another encoding', async () => {
    const database = await createDatabase({ encoding: 'LATIN1' });
    expect(await database.query(`select current_setting('server_encoding') as e`)).toEqual([
      { e: 'LATIN1' },
    ]);
    await database.drop();
  });
});
