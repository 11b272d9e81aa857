import { describe, expect, it } from 'vitest';
import { connectionOptionsOf } from '../src/connection-options.js';

describe('reading NATS_URL', () => {
  it('takes one server, several, and a bare host', () => {
    expect(connectionOptionsOf('nats://one:4333', 'x').servers).toEqual(['one:4333']);
    expect(connectionOptionsOf('nats://one, nats://two:5', 'x').servers).toEqual([
      'one:4222',
      'two:5',
    ]);
    expect(connectionOptionsOf('localhost', 'x').servers).toEqual(['localhost:4222']);
  });

  it('takes a user with a password, percent-encoded, or a token', () => {
    expect(connectionOptionsOf('nats://me:p%40ss@one', 'x')).toMatchObject({
      user: 'me',
      pass: 'p@ss',
      servers: ['one:4222'],
    });
    expect(connectionOptionsOf('nats://t0ken@one', 'x')).toMatchObject({ token: 't0ken' });
  });

  it('reconnects for ever', () => {
    expect(connectionOptionsOf('nats://one', 'x')).toMatchObject({
      reconnect: true,
      maxReconnectAttempts: -1,
      ignoreAuthErrorAbort: true,
    });
  });

  it('refuses what it cannot read without repeating it', () => {
    for (const url of ['http://me:secret@one', 'nats://', 'nats://me:secret@one:notaport']) {
      expect(() => connectionOptionsOf(url, 'x')).toThrowError(/NATS_URL cannot be read/);
      expect(() => connectionOptionsOf(url, 'x')).not.toThrowError(/secret/);
    }
  });
});
