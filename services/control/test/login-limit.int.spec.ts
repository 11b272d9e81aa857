import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from './api-client.js';
import { ADMIN_PASSWORD, type Fixture, openFixture } from './control-fixture.js';

let fixture: Fixture;
let client = 0;

beforeAll(async () => {
  fixture = await openFixture();
});
afterAll(async () => {
  await fixture?.close();
});

/** An address that was not used before. */
const nextAddress = (): string => `203.0.113.${(client += 1)}`;

function login(username: string, password: string, address: string): Promise<Answer> {
  const headers = { 'x-forwarded-for': address };
  return fixture.api.as(undefined).post('/v1/auth/login', { username, password }, headers);
}

async function failTenTimes(address: string): Promise<void> {
  for (let count = 0; count < 10; count += 1) {
    expect((await login('admin', 'wrong', address)).status).toBe(401);
  }
}

describe('guessing a password', () => {
  it('is held off by the address of the client that a trusted proxy names, and others go on', async () => {
    const guesser = nextAddress();
    await failTenTimes(guesser);
    const held = await login('admin', ADMIN_PASSWORD, guesser);
    expect(held.status).toBe(429);
    expect(held.headers.get('retry-after')).toBe('60');
    expect((await login('admin', ADMIN_PASSWORD, nextAddress())).status).toBe(200);
    // What a client writes in front of its own address is not believed.
    expect((await login('admin', ADMIN_PASSWORD, `${nextAddress()}, ${guesser}`)).status).toBe(429);
  });

  it('does not count what succeeds', async () => {
    const address = nextAddress();
    for (let count = 0; count < 12; count += 1) {
      expect((await login('admin', ADMIN_PASSWORD, address)).status).toBe(200);
    }
  });

  it('takes as long for a user that there is not', async () => {
    const quickest = { known: Infinity, unknown: Infinity };
    for (let count = 0; count < 9; count += 1) {
      for (const [who, username] of [
        ['known', 'admin'],
        ['unknown', `nobody${count}`],
      ] as const) {
        const startedAt = performance.now();
        expect((await login(username, 'wrong', nextAddress())).status).toBe(401);
        quickest[who] = Math.min(quickest[who], performance.now() - startedAt);
      }
    }
    // Without the work of a hash an answer takes a few milliseconds, with it tens: the quickest of many tells, however busy the machine.
    expect(quickest.unknown / quickest.known).toBeGreaterThan(0.6);
    expect(quickest.unknown / quickest.known).toBeLessThan(1.7);
  });

  it('through a change of the password is held off, too', async () => {
    const headers = { 'x-forwarded-for': nextAddress() };
    const body = { current_password: 'wrong', new_password: 'another password' };
    const path = '/v1/auth/change-password';
    for (let count = 0; count < 10; count += 1) {
      expect((await fixture.api.post(path, body, headers)).status).toBe(400);
    }
    expect((await fixture.api.post(path, body, headers)).status).toBe(429);
    expect((await login('admin', ADMIN_PASSWORD, headers['x-forwarded-for'])).status).toBe(200);
  });
});
