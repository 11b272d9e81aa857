import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fixture, openFixture } from './control-fixture.js';

let fixture: Fixture;

beforeAll(async () => {
  fixture = await openFixture();
});
afterAll(async () => {
  await fixture.close();
});

async function addUser(username: string, role: string, password: string): Promise<void> {
  const made = await fixture.api.post('/v1/users', { username, role, password });
  expect(made.status).toBe(201);
}

describe('users', () => {
  it('are made, listed and changed by administrators, and nothing of a password is shown', async () => {
    const { api } = fixture;
    const body = { username: 'uma', password: 'umas password', role: 'viewer' };
    const made = await api.post('/v1/users', body);
    expect(made).toMatchObject({ status: 201, body: { username: 'uma', role: 'readonly' } });
    expect((await api.post('/v1/users', body)).status).toBe(409);
    expect((await api.get('/v1/users')).text).not.toMatch(/argon2|password/);
    const changed = await api.send('PATCH', '/v1/users/uma', { role: 'admin' });
    expect(changed).toMatchObject({ status: 200, body: { role: 'admin' } });
    for (const bad of [
      { ...body, username: 'a b' },
      { ...body, username: 'vi', password: 'short' },
      { ...body, username: 'vi', password: 'Password1!' },
      { ...body, username: 'vi', role: 'king' },
    ]) {
      expect((await api.post('/v1/users', bad)).status).toBe(400);
    }
    expect((await api.send('PATCH', '/v1/users/nobody', { role: 'admin' })).status).toBe(404);
    expect((await api.send('DELETE', '/v1/users/uma')).body).toEqual({ deleted: 'uma' });
    expect((await api.send('DELETE', '/v1/users/uma')).status).toBe(404);
  });

  it('lose their tokens with a new password and with their user, also when the name is given again', async () => {
    const { api } = fixture;
    await addUser('tom', 'readonly', 'toms password');
    const tom = api.as(undefined);
    await tom.login('tom', 'toms password');
    const poor = await api.send('PATCH', '/v1/users/tom', { password: 'qwertyuiop' });
    expect(poor.body['fields']).toEqual([
      { path: 'password', message: 'is one that is tried first' },
    ]);
    const same = { current_password: 'toms password', new_password: 'tomtomtom' };
    expect((await tom.post('/v1/auth/change-password', same)).status).toBe(400);
    const reset = await api.send('PATCH', '/v1/users/tom', { password: 'another password' });
    expect(reset.status).toBe(200);
    expect((await tom.get('/v1/auth/me')).status).toBe(401);
    await tom.login('tom', 'another password');
    await api.send('DELETE', '/v1/users/tom');
    expect((await tom.get('/v1/auth/me')).status).toBe(401);
    await addUser('tom', 'admin', 'a third password');
    await api.send('PATCH', '/v1/users/tom', { password: 'a fourth password' });
    expect((await tom.get('/v1/auth/me')).status).toBe(401);
    await api.send('DELETE', '/v1/users/tom');
  });

  it('leave an audit of all that they wrote, also of what is gone, for administrators only', async () => {
    const { api } = fixture;
    await addUser('eve', 'admin', 'eves password');
    const eve = api.as(undefined);
    await eve.login('eve', 'eves password');
    const peer = { name: 'audited', host: 'h', user: 'u', password: 'plain secret', database: 'd' };
    await eve.post('/v1/peers', peer);
    await eve.send('PUT', '/v1/peers/audited', { port: 5433 });
    await eve.send('DELETE', '/v1/peers/audited');
    await eve.post('/v1/users', { username: 'ray', role: 'viewer', password: 'rays password' });
    await eve.send('PATCH', '/v1/users/ray', { role: 'admin', password: 'a new password' });
    await eve.send('DELETE', '/v1/users/ray');
    const change = { current_password: 'eves password', new_password: 'eves new password' };
    await eve.post('/v1/auth/change-password', change);
    await api.send('DELETE', '/v1/users/eve');

    const { body, text } = await api.get('/v1/audit?actor=eve&limit=500');
    const entries = body['entries'] as readonly Record<string, unknown>[];
    expect(entries.map(({ kind, name, message }) => [kind, name, message])).toEqual([
      ['user', 'eve', 'password changed'],
      ['user', 'ray', 'user deleted'],
      ['user', 'ray', 'password changed'],
      ['user', 'ray', 'role changed to admin'],
      ['user', 'ray', 'user created, role readonly'],
      ['peer', 'audited', 'peer deleted'],
      ['peer', 'audited', 'peer changed'],
      ['peer', 'audited', 'peer created'],
    ]);
    expect(text).not.toMatch(/argon2|plain secret|new password|v1\./);
    const before = String(entries[0]?.['id']);
    const next = (await api.get(`/v1/audit?actor=eve&limit=2&before=${before}`)).body;
    expect(next['entries']).toEqual(entries.slice(1, 3));
    const all = (await api.get('/v1/audit')).body['entries'] as readonly { actor: string }[];
    expect(all[0]).toMatchObject({ actor: 'admin', name: 'eve', message: 'user deleted' });
    expect(all.map(({ actor }) => actor)).not.toContain('control');
    await addUser('vic', 'viewer', 'vics password');
    const vic = api.as(undefined);
    await vic.login('vic', 'vics password');
    expect((await vic.get('/v1/audit')).status).toBe(403);
    const own = { username: 'control', role: 'viewer', password: 'a password' };
    expect((await api.post('/v1/users', own)).status).toBe(409);
    await api.send('DELETE', '/v1/users/vic');
  });

  it('always have an administrator, and nobody deletes oneself', async () => {
    const { api, catalog } = fixture;
    expect((await api.send('DELETE', '/v1/users/admin')).status).toBe(400);
    const last = await api.send('PATCH', '/v1/users/admin', { role: 'readonly' });
    expect(last.status).toBe(400);
    expect(last.body['detail']).toContain('last administrator');
    await addUser('ann', 'admin', 'anns password');
    const ann = api.as(undefined);
    await ann.login('ann', 'anns password');
    // Both at the same time: one of the two has to stay.
    const both = await Promise.all([
      api.send('PATCH', '/v1/users/ann', { role: 'readonly' }),
      ann.send('PATCH', '/v1/users/admin', { role: 'readonly' }),
    ]);
    const [toAnn, toAdmin] = both.map(({ status }) => status);
    expect([toAnn, toAdmin]).toContain(200);
    expect([toAnn, toAdmin]).not.toEqual([200, 200]);
    const left = toAnn === 200 ? api : ann;
    const other = toAnn === 200 ? 'ann' : 'admin';
    expect((await left.send('PATCH', `/v1/users/${other}`, { role: 'admin' })).status).toBe(200);
    expect((await api.send('DELETE', '/v1/users/ann')).status).toBe(200);
    const writes = await catalog.query<{ type: string; actor: string }>(
      `select type, metadata ->> 'actor' as actor from events where type = 'user_deleted'`,
    );
    expect(writes.at(-1)).toEqual({ type: 'user_deleted', actor: 'admin' });
  });
});
