import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeTemporaryFolder, temporaryFolder } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Environment, InvalidEnvironment, readEnvironment } from '../src/environment.js';
import { NATS_SETTINGS, natsAddressOf } from '../src/nats-settings.js';

describe('how a service reaches NATS', () => {
  let folder: string;
  const file = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  beforeAll(() => {
    folder = temporaryFolder('nats-settings');
  });
  afterAll(() => removeTemporaryFolder(folder));

  const addressOf = (environment: Environment) =>
    natsAddressOf(readEnvironment(environment, NATS_SETTINGS));

  it('needs no more than a URL', () => {
    expect(addressOf({})).toEqual({ url: 'nats://127.0.0.1:4222' });
  });

  it('takes a password from the environment or from a file, and needs both halves of a login', () => {
    const given = addressOf({ NATS_USER: 'capture', NATS_PASSWORD: 'secret' }).login;
    expect(given?.tag === 'password' && [given.user, given.password()]).toEqual([
      'capture',
      'secret',
    ]);
    const path = file('password', 'from a file\n');
    const kept = addressOf({ NATS_USER: 'capture', NATS_PASSWORD_FILE: path }).login;
    expect(kept?.tag === 'password' && kept.password()).toBe('from a file');
    expect(() => addressOf({ NATS_USER: 'capture' })).toThrowError(/NATS_PASSWORD is not set/);
    expect(() => addressOf({ NATS_PASSWORD: 'secret' })).toThrowError(/NATS_USER is not set/);
  });

  it('takes credentials before an nkey, and an nkey before a password', () => {
    const seed = file('seed', 'SUSEED');
    const creds = file('creds', 'a JWT and its seed');
    const all = { NATS_USER: 'u', NATS_PASSWORD: 'p', NATS_NKEY: seed };
    expect(addressOf(all).login?.tag).toBe('nkey');
    expect(addressOf({ ...all, NATS_CREDS: creds }).login?.tag).toBe('credentials');
  });

  it('reads certificates from files, and needs a certificate with its key', () => {
    const ca = file('ca', 'AUTHORITY');
    const cert = file('cert', 'CERTIFICATE');
    const key = file('key', 'KEY');
    const { tls } = addressOf({ NATS_CA: ca, NATS_CERT: cert, NATS_KEY: key });
    expect(tls).toMatchObject({ ca: 'AUTHORITY', cert: 'CERTIFICATE' });
    expect(tls?.key?.()).toBe('KEY');
    expect(() => addressOf({ NATS_CERT: cert })).toThrowError(/NATS_KEY is not set/);
    expect(() => addressOf({ NATS_CA: join(folder, 'none') })).toThrowError(InvalidEnvironment);
  });
});
