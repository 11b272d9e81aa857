import {
  type PostgresServer,
  THROW_AWAY_SETTINGS,
  createDatabase,
  freePort,
  startPostgres,
} from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectClient } from '../src/connect-client.js';
import type { ConnectionSettings } from '../src/connection-settings.js';
import { openReplication } from '../src/replication-connection.js';

describe('a session', () => {
  let server: PostgresServer;
  let settings: ConnectionSettings;

  beforeAll(async () => {
    server = await startPostgres({ password: 'rabbit', settings: THROW_AWAY_SETTINGS });
    settings = {
      host: server.host,
      port: server.port,
      user: 'postgres',
      password: 'rabbit',
      database: 'postgres',
      sslMode: 'disable',
      applicationName: 'test',
    };
  });
  afterAll(() => server.stop('immediate'));

  it('reads values alike whatever the database has set', async () => {
    const database = await createDatabase({ serverUrl: server.urlOf('postgres') });
    await database.query(`alter database "${database.name}" set datestyle = 'German';
      alter database "${database.name}" set timezone = 'Asia/Tokyo';
      alter database "${database.name}" set intervalstyle = 'iso_8601';
      alter database "${database.name}" set bytea_output = 'escape';
      alter database "${database.name}" set statement_timeout = '300ms'`);
    const client = await connectClient(
      { ...settings, database: database.name },
      { role: 'source', lockTimeoutMs: 1_234 },
    );
    const { rows } = await client.query(
      `select date '2026-02-01'::text as d, bytea '\\x01ff'::text as b, interval '1 day 2h'::text as i,
         current_setting('timezone') as z, current_setting('lock_timeout') as l, current_setting('search_path') as s from pg_sleep(0.5)`,
    );
    expect(rows).toEqual([
      { d: '2026-02-01', b: '\\x01ff', i: '1 day 02:00:00', z: 'UTC', l: '1234ms', s: '' },
    ]);
    await client.end();
    await database.drop();
  });

  it('does without TLS when it is only preferred, and not when it is required', async () => {
    const client = await connectClient({ ...settings, sslMode: 'prefer' }, { role: 'source' });
    await client.end();
    await expect(
      connectClient({ ...settings, sslMode: 'require' }, { role: 'source' }),
    ).rejects.toMatchObject({ kind: 'tls_failed' });
  });

  it.each(['disable', 'prefer'] as const)(
    'tells a wrong password and a missing one with ssl_mode %s',
    async (sslMode) => {
      for (const password of ['wrong', undefined]) {
        await expect(
          connectClient({ ...settings, sslMode, password }, { role: 'destination' }),
        ).rejects.toMatchObject({ kind: 'authentication_failed' });
        await expect(openReplication({ ...settings, sslMode, password })).rejects.toMatchObject({
          kind: 'authentication_failed',
        });
      }
    },
  );

  it('tells a server that does not listen, and a database that is not there', async () => {
    const nowhere = { ...settings, port: await freePort() };
    await expect(connectClient(nowhere, { role: 'destination' })).rejects.toMatchObject({
      kind: 'destination_unreachable',
    });
    await expect(openReplication(nowhere)).rejects.toMatchObject({ kind: 'source_unreachable' });
    await expect(
      connectClient({ ...settings, database: 'nowhere' }, { role: 'source' }),
    ).rejects.toMatchObject({ kind: 'database_missing', detail: { sqlstate: '3D000' } });
  });

  it('gives an attempt up when it is told to', async () => {
    const aborted = AbortSignal.abort(new Error('enough'));
    await expect(
      connectClient(settings, { role: 'source', signal: aborted }),
    ).rejects.toBeInstanceOf(Error);
  });

  it('answers plain SQL and replication commands before its stream starts', async () => {
    const connection = await openReplication({ ...settings, sslMode: 'prefer' });
    const [system] = await connection.query<{ dbname: string }>('IDENTIFY_SYSTEM');
    expect(system?.dbname).toBe('postgres');
    expect(await connection.query('select 1 as one')).toEqual([{ one: 1 }]);
    await expect(connection.query('select oops')).rejects.toMatchObject({
      kind: 'schema_mismatch',
    });
    await connection.close();
  });
});
