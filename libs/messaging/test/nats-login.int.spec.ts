import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import {
  CertificateAuthority,
  removeTemporaryFolder,
  startNats,
  temporaryFolder,
  type NatsServer,
} from '@bunnydb/testkit';
import { nkeys } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectMessaging, type NatsLogin, type NatsTls } from '../src/index.js';

const authority = new CertificateAuthority('authority');
const stranger = new CertificateAuthority('stranger');
const client = authority.issue({ commonName: 'capture' });
const user = nkeys.createUser();
const seed = new TextDecoder().decode(user.getSeed());

describe('a nats-server with TLS and nkeys', () => {
  let folder: string;
  let server: NatsServer;

  beforeAll(async () => {
    folder = temporaryFolder('nats-tls');
    const certificate = authority.issue({ commonName: 'nats', hosts: ['localhost'] });
    const files = { 'ca.crt': authority.cert, 'a.crt': certificate.cert, 'a.key': certificate.key };
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(folder, name), content, { mode: 0o600 });
    }
    const path = (name: string): string => JSON.stringify(join(folder, name));
    server = await startNats({
      config: `
        tls { cert_file: ${path('a.crt')}, key_file: ${path('a.key')}, ca_file: ${path('ca.crt')}, verify: true }
        authorization { users: [ { nkey: ${user.getPublicKey()} } ] }`,
    });
  });
  afterAll(async () => {
    await server?.stop();
    removeTemporaryFolder(folder);
  });

  async function tryToConnect(tls: NatsTls, login: NatsLogin): Promise<boolean> {
    const messaging = await connectMessaging({
      // An address has no name to verify a certificate by.
      url: `tls://localhost:${server.port}`,
      name: 'test',
      tls,
      login,
      connectDeadlineMs: 500,
    });
    const isConnected = messaging.connected;
    await messaging.close();
    return isConnected;
  }

  const tls = { ca: authority.cert, cert: client.cert, key: () => client.key };
  const login = { tag: 'nkey', seed: () => seed } as const;

  it('lets in whoever has a certificate of the authority and the seed', async () => {
    await expect(tryToConnect(tls, login)).resolves.toBe(true);
  });

  it('keeps out whoever lacks the certificate, has one of another authority, or another seed', async () => {
    const other = stranger.issue({ commonName: 'capture' });
    const otherSeed = new TextDecoder().decode(nkeys.createUser().getSeed());
    for (const [hasTls, hasLogin] of [
      [{ ca: authority.cert }, login],
      [{ ...tls, cert: other.cert, key: () => other.key }, login],
      [tls, { ...login, seed: () => otherSeed }],
    ] as const) {
      await expect(tryToConnect(hasTls, hasLogin)).rejects.toMatchObject({
        kind: 'messaging_unavailable',
      });
    }
  });

  it('is not trusted with a certificate of an unknown authority', async () => {
    for (const ca of [stranger.cert, undefined]) {
      const untrusting = { ...(ca === undefined ? {} : { ca }), cert: client.cert, key: tls.key };
      await expect(tryToConnect(untrusting, login)).rejects.toMatchObject({
        kind: 'messaging_unavailable',
        message: 'a TLS connection to NATS could not be made',
        detail: { code: expect.stringMatching(/CERT|SIGNATURE/) },
      });
    }
  });
});
