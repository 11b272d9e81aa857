import { describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.js';
import { checkPassword, hashPassword } from '../src/shell/http/passwords.js';
import { problemOf } from '../src/shell/http/problem.js';
import { Tokens } from '../src/shell/http/tokens.js';
import { newShortId } from '../src/shell/new-short-id.js';

const SECRET = 'x'.repeat(32);

describe('tokens', () => {
  it('tell who they were made for, until they expire', async () => {
    let now = new Date('2026-01-01T00:00:00Z');
    const tokens = new Tokens(SECRET, () => now);
    const { token, expiresAt } = await tokens.issue('ada', 'u1', 3);
    expect(expiresAt.toISOString()).toBe('2026-01-01T12:00:00.000Z');
    expect(await tokens.read(token)).toMatchObject({
      username: 'ada',
      userId: 'u1',
      generation: 3,
    });
    now = new Date('2026-01-01T12:00:01Z');
    expect(await tokens.read(token)).toBeUndefined();
  });

  it('of another key, altered, or signed with no algorithm are refused', async () => {
    const now = () => new Date('2026-01-01T00:00:00Z');
    const tokens = new Tokens(SECRET, now);
    const { token } = await tokens.issue('ada', 'u1', 0);
    const [head, body, signature] = token.split('.');
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
    const foreign = await new Tokens('y'.repeat(32), now).issue('ada', 'u1', 0);
    for (const bad of [
      '',
      'x',
      `${none}.${body}.`,
      `${head}.${body}x.${signature}`,
      foreign.token,
    ]) {
      expect(await tokens.read(bad)).toBeUndefined();
    }
  });
});

describe('passwords', () => {
  it('are right or wrong, and an unknown user is always wrong', async () => {
    const hash = await hashPassword('correct horse');
    expect(hash).toMatch(/^\$argon2id\$/);
    expect(await checkPassword(hash, 'correct horse')).toBe(true);
    expect(await checkPassword(hash, 'wrong horse')).toBe(false);
    expect(await checkPassword(undefined, 'a password that nobody has')).toBe(false);
  });
});

describe('the environment', () => {
  const secretKey = '11'.repeat(32);

  it('in production no secret is made up', () => {
    const read = () => readConfig({ NODE_ENV: 'production', BUNNY_SECRET_KEY: secretKey });
    expect(read).toThrow(/BUNNY_JWT_SECRET[\s\S]*BUNNY_ADMIN_PASSWORD/);
    expect(() => readConfig({ NODE_ENV: 'production' })).toThrow(/BUNNY_SECRET_KEY/);
  });

  it('shows no secret when it is printed', () => {
    const config = readConfig({
      BUNNY_SECRET_KEY: secretKey,
      BUNNY_JWT_SECRET: SECRET,
      BUNNY_ADMIN_PASSWORD: 'hunter22',
      BUNNY_CATALOG_PASSWORD: 'hunter22',
    });
    expect(JSON.stringify(config)).not.toMatch(/hunter22|x{32}|1111/);
    expect(config.apiPort).toBe(8112);
  });
});

describe('what goes wrong', () => {
  it('inside says nothing of the inside', () => {
    const problem = problemOf(new Error('password=hunter22'));
    expect(problem.status).toBe(500);
    expect(problem.message).not.toContain('hunter22');
  });

  it('with the catalog or nats is 503 with a time to come back', () => {
    const lost = Object.assign(new Error('x'), { code: 'ECONNREFUSED' });
    expect(problemOf(lost)).toMatchObject({ status: 503, extras: { retryAfterSeconds: 5 } });
    expect(problemOf(new Error('Connection terminated unexpectedly')).status).toBe(503);
    const full = Object.assign(new Error('could not extend file "base/1/2"'), { code: '53100' });
    expect(problemOf(full)).toMatchObject({
      status: 503,
      message: expect.stringContaining('the disk of the catalog is full'),
    });
    expect(problemOf(Object.assign(new Error(''), { code: '42P01' })).status).toBe(500);
  });
});

describe('ids', () => {
  it('are a letter and twelve of a-z and 0-9', () => {
    expect(newShortId('m')).toMatch(/^m[a-z0-9]{12}$/);
    expect(newShortId('m')).not.toBe(newShortId('m'));
  });
});
