import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { Certificate } from './certificates.js';
import type { PostgresServer } from './postgres-server.js';
import { giveFolder, unprivilegedUser } from './unprivileged-user.js';

export interface TlsWish {
  readonly certificate: Certificate;
  /** PEM of the authority that clients' certificates are verified against. */
  readonly clientAuthority: string;
  /** Lines of `pg_hba.conf` before a last one that trusts the superuser on this machine. */
  readonly hba: readonly string[];
}

/** Turns TLS on in a running server, with rules of its own for who may come in. */
export async function serveTls(server: PostgresServer, wish: TlsWish): Promise<void> {
  const files = {
    'server.crt': wish.certificate.cert,
    'server.key': wish.certificate.key,
    'root.crt': wish.clientAuthority,
    'pg_hba.conf': [...wish.hba, 'host all postgres 127.0.0.1/32 trust', ''].join('\n'),
  };
  for (const [name, content] of Object.entries(files)) {
    const path = join(server.dataDir, name);
    rmSync(path, { force: true });
    // The server refuses a key that others may read.
    writeFileSync(path, content, { mode: 0o600 });
    giveFolder(unprivilegedUser(), path);
  }
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  try {
    await client.query(`alter system set ssl_ca_file = 'root.crt'`);
    await client.query('alter system set ssl = on');
    await client.query('select pg_reload_conf()');
  } finally {
    await client.end();
  }
}
