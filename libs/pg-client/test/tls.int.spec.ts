import {
  CertificateAuthority,
  type PostgresServer,
  THROW_AWAY_SETTINGS,
  serveTls,
  startPostgres,
  until,
} from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectClient } from '../src/connect-client.js';
import type { ConnectionSettings } from '../src/connection-settings.js';
import { openReplication } from '../src/replication-connection.js';

/**
 * The server's certificate is good for `localhost` and not for 127.0.0.1. `secured` may come with TLS only, `certified` only with a
 * certificate that the clients' authority has signed for that name, `plain` only without TLS.
 */
const authority = new CertificateAuthority('authority of servers');
const clients = new CertificateAuthority('authority of clients');
const stranger = new CertificateAuthority('authority of strangers');
const own = clients.issue({ commonName: 'certified' });

describe('TLS to a server', () => {
  let server: PostgresServer;
  let base: ConnectionSettings;

  beforeAll(async () => {
    server = await startPostgres({ settings: THROW_AWAY_SETTINGS });
    await serveTls(server, {
      certificate: authority.issue({ commonName: 'server', hosts: ['localhost'] }),
      clientAuthority: clients.cert,
      hba: [
        'hostssl   all,replication secured   127.0.0.1/32 scram-sha-256',
        'hostssl   all,replication certified 127.0.0.1/32 cert',
        'hostnossl all,replication plain     127.0.0.1/32 trust',
      ],
    });
    base = {
      host: 'localhost',
      port: server.port,
      user: 'secured',
      password: 'rabbit',
      database: 'postgres',
      sslMode: 'verify-full',
      sslRootCert: authority.cert,
      applicationName: 'test',
    };
    const admin = await connectClient(
      { ...base, user: 'postgres', sslMode: 'disable' },
      { role: 'source' },
    );
    await admin.query(`create role secured login replication password 'rabbit';
      create role certified login replication; create role plain login`);
    await until(async () => (await admin.query('show ssl')).rows[0]?.ssl === 'on', {
      what: 'the server to have read its files',
    });
    await admin.end();
  });
  afterAll(() => server?.stop('immediate'));

  /** Whether the session is encrypted; throws what the connection throws. */
  async function connect(changes: Partial<ConnectionSettings>): Promise<boolean> {
    const client = await connectClient({ ...base, ...changes }, { role: 'source' });
    try {
      const { rows } = await client.query(
        'select ssl from pg_catalog.pg_stat_ssl where pid = pg_catalog.pg_backend_pid()',
      );
      return rows[0]?.ssl === true;
    } finally {
      await client.end();
    }
  }

  const IP = { host: '127.0.0.1' } as const;
  const NO_ROOT = { sslRootCert: undefined } as const;
  const WRONG_ROOT = { sslRootCert: stranger.cert } as const;

  it.each([
    ['prefer', {}],
    ['prefer', NO_ROOT],
    ['require', NO_ROOT],
    ['require', {}],
    ['require', IP],
    ['verify-ca', {}],
    ['verify-ca', IP],
    ['verify-full', {}],
  ] as const)('is made with ssl_mode %s and %o', async (sslMode, changes) => {
    await expect(connect({ ...changes, sslMode })).resolves.toBe(true);
    const connection = await openReplication({ ...base, ...changes, sslMode });
    await connection.close();
  });

  it.each([
    ['require', WRONG_ROOT],
    ['verify-ca', NO_ROOT],
    ['verify-ca', WRONG_ROOT],
    ['verify-full', NO_ROOT],
    ['verify-full', WRONG_ROOT],
    ['verify-full', IP],
  ] as const)('is refused with ssl_mode %s and %o', async (sslMode, changes) => {
    const refusal = {
      kind: 'tls_failed',
      message: 'the source: a TLS connection could not be made as ssl_mode asks for',
      detail: { code: expect.stringMatching(/CERT|SIGNATURE|ERR_TLS_CERT_ALTNAME_INVALID/) },
    };
    await expect(connect({ ...changes, sslMode })).rejects.toMatchObject(refusal);
    await expect(openReplication({ ...base, ...changes, sslMode })).rejects.toMatchObject(refusal);
  });

  it('is not used with ssl_mode disable, and the server tells when it insists', async () => {
    await expect(connect({ user: 'plain', sslMode: 'disable' })).resolves.toBe(false);
    await expect(connect({ sslMode: 'disable' })).rejects.toMatchObject({
      kind: 'authentication_failed',
    });
  });

  it('gives way with prefer where the server wants none, and with no other mode', async () => {
    await expect(connect({ user: 'plain', sslMode: 'prefer' })).resolves.toBe(false);
    for (const sslMode of ['require', 'verify-ca', 'verify-full'] as const) {
      await expect(connect({ user: 'plain', sslMode })).rejects.toMatchObject({
        kind: 'authentication_failed',
      });
    }
  });

  it('never sends the password of a verified connection to a server that cannot be verified', async () => {
    const failure: unknown = await connect({ ...WRONG_ROOT, password: 'wrong' }).catch(
      (error: unknown) => error,
    );
    // With the password sent, the server would have refused it.
    expect(failure).toMatchObject({ kind: 'tls_failed' });
  });

  describe("with a client's certificate", () => {
    const certified = {
      user: 'certified',
      password: undefined,
      sslCert: own.cert,
      sslKey: own.key,
    };

    it.each(['require', 'verify-ca', 'verify-full'] as const)(
      'lets its owner in with ssl_mode %s, without a password',
      async (sslMode) => {
        await expect(connect({ ...certified, sslMode })).resolves.toBe(true);
        const connection = await openReplication({ ...base, ...certified, sslMode });
        await connection.close();
      },
    );

    it('refuses whoever has none, another one, an old one, or one of another authority', async () => {
      const { sslCert: _, sslKey: __, ...none } = certified;
      await expect(connect(none)).rejects.toMatchObject({ kind: 'authentication_failed' });
      const other = clients.issue({ commonName: 'somebody' });
      await expect(
        connect({ ...certified, sslCert: other.cert, sslKey: other.key }),
      ).rejects.toMatchObject({ kind: 'authentication_failed' });
      for (const bad of [
        clients.issue({ commonName: 'certified', days: -1 }),
        stranger.issue({ commonName: 'certified' }),
      ]) {
        await expect(
          connect({ ...certified, sslCert: bad.cert, sslKey: bad.key }),
        ).rejects.toMatchObject({ kind: 'tls_failed' });
      }
    });

    it('tells a key that does not belong to the certificate, or is none', async () => {
      const other = clients.issue({ commonName: 'certified' });
      for (const sslKey of [other.key, 'not a key']) {
        await expect(connect({ ...certified, sslKey })).rejects.toMatchObject({
          kind: 'tls_failed',
        });
      }
    });
  });
});
