import {
  CertificateAuthority,
  type PostgresServer,
  THROW_AWAY_SETTINGS,
  serveTls,
  startPostgres,
  until,
} from '@bunnydb/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CatalogTls, openCatalog } from '../src/open-catalog.js';

const authority = new CertificateAuthority('authority');
const stranger = new CertificateAuthority('stranger');

describe('TLS to the catalog', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ settings: THROW_AWAY_SETTINGS });
    await serveTls(server, {
      certificate: authority.issue({ commonName: 'catalog', hosts: ['localhost'] }),
      clientAuthority: authority.cert,
      hba: [],
    });
    await until(() => isEncrypted({ tag: 'encrypted' }).catch(() => false), {
      what: 'the server to have read its files',
    });
  });
  afterAll(() => server?.stop('immediate'));

  async function isEncrypted(tls: CatalogTls, host = 'localhost'): Promise<boolean> {
    const catalog = openCatalog(
      {
        host,
        port: server.port,
        user: 'postgres',
        database: 'postgres',
        tls,
        applicationName: 'test',
        poolSizeMax: 1,
        connectTimeoutMs: 5_000,
        statementTimeoutMs: 5_000,
      },
      () => undefined,
    );
    try {
      const found = await sql<{
        ssl: boolean;
      }>`select ssl from pg_stat_ssl where pid = pg_backend_pid()`.execute(catalog);
      return found.rows[0]?.ssl === true;
    } finally {
      await catalog.destroy();
    }
  }

  it('is as it was asked for', async () => {
    await expect(isEncrypted({ tag: 'none' })).resolves.toBe(false);
    await expect(isEncrypted({ tag: 'encrypted' }, '127.0.0.1')).resolves.toBe(true);
    await expect(isEncrypted({ tag: 'verified', ca: authority.cert })).resolves.toBe(true);
  });

  it('is refused with a certificate of an unknown authority, or for another host', async () => {
    await expect(isEncrypted({ tag: 'verified' })).rejects.toThrow();
    await expect(isEncrypted({ tag: 'verified', ca: stranger.cert })).rejects.toThrow();
    const elsewhere = isEncrypted({ tag: 'verified', ca: authority.cert }, '127.0.0.1');
    await expect(elsewhere).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });
});
