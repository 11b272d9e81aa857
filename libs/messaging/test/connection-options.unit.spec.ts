import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { connectionOptionsOf } from '../src/connection-options.js';

describe('reading NATS_URL', () => {
  it('takes one server, several, and a bare host', () => {
    expect(connectionOptionsOf({ url: 'nats://one:4333', name: 'x' }).servers).toEqual([
      'one:4333',
    ]);
    expect(connectionOptionsOf({ url: 'nats://one, nats://two:5', name: 'x' }).servers).toEqual([
      'one:4222',
      'two:5',
    ]);
    expect(connectionOptionsOf({ url: 'localhost', name: 'x' }).servers).toEqual([
      'localhost:4222',
    ]);
  });

  it('takes a user with a password, percent-encoded, or a token, and shows neither', () => {
    for (const [url, proof] of [
      ['nats://me:p%40ss@one', { user: 'me', pass: 'p@ss' }],
      ['nats://t0ken@one', { auth_token: 't0ken' }],
    ] as const) {
      const options = connectionOptionsOf({ url, name: 'x' });
      expect(proofOf(options)).toMatchObject(proof);
      expect(options.servers).toEqual(['one:4222']);
      expect(inspect(options, { depth: null })).not.toMatch(/p@ss|p%40ss|t0ken/);
    }
  });

  it('prefers a login that is given apart from the URL', () => {
    const login = { tag: 'password', user: 'capture', password: () => 'secret' } as const;
    const options = connectionOptionsOf({ url: 'nats://me:other@one', name: 'x', login });
    expect(proofOf(options)).toMatchObject({ user: 'capture', pass: 'secret' });
  });

  it('asks for TLS by the scheme, or because certificates are given', () => {
    expect(connectionOptionsOf({ url: 'nats://one', name: 'x' }).tls).toBeUndefined();
    expect(connectionOptionsOf({ url: 'tls://one', name: 'x' }).tls).toEqual({});
    const tls = { ca: 'authority', cert: 'certificate', key: () => 'key' };
    expect(connectionOptionsOf({ url: 'nats://one', name: 'x', tls }).tls).toEqual({
      ca: 'authority',
      cert: 'certificate',
      key: 'key',
    });
  });

  it('reconnects for ever', () => {
    expect(connectionOptionsOf({ url: 'nats://one', name: 'x' })).toMatchObject({
      reconnect: true,
      maxReconnectAttempts: -1,
      ignoreAuthErrorAbort: true,
    });
  });

  it('refuses what it cannot read without repeating it', () => {
    for (const url of [
      'http://me:secret@one',
      'nats://',
      'nats://me:secret@one:notaport',
      'nats://me:secret%@one',
    ]) {
      expect(() => connectionOptionsOf({ url, name: 'x' })).toThrowError(/NATS_URL cannot be read/);
      expect(() => connectionOptionsOf({ url, name: 'x' })).not.toThrowError(/secret/);
    }
  });
});

/** What the client would send. */
function proofOf({ authenticator }: ReturnType<typeof connectionOptionsOf>): object | undefined {
  return typeof authenticator === 'function' ? (authenticator('nonce') ?? undefined) : undefined;
}
