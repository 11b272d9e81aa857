import { randomBytes } from 'node:crypto';
import { samePair } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { readStreams } from '../src/read-streams.js';
import { type Stack, startStack } from '../src/stack.js';
import { tableTexts } from '../src/table-texts.js';

const WORKERS = ['capture', 'apply', 'schema'] as const;
const ROTATE_KEY = 'services/control/dist/rotate-key.js';
const oldKey = randomBytes(32).toString('hex');
const newKey = randomBytes(32).toString('base64');
const both = { BUNNY_SECRET_KEY: newKey, BUNNY_SECRET_KEY_PREVIOUS: oldKey };

describe('changing the key that seals secrets', () => {
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;
  beforeAll(async () => {
    stack = await startStack('key_rotation', { environment: { BUNNY_SECRET_KEY: oldKey } });
    pair = await stack.createPair({
      source:
        'create table item (id bigint primary key); insert into item select generate_series(1, 50)',
    });
    // The servers of the tests trust everybody; a password is sealed, sent and opened all the same.
    for (const side of ['source', 'destination']) {
      const path = `/v1/peers/${pair.name}_${side}`;
      expect((await stack.api.call('PUT', path, { password: `password of ${side}` })).status).toBe(
        200,
      );
    }
    mirror = await pair.createMirror({ table_mappings: ['public.item'] });
    await mirror.waitForStatus('running');
  });
  afterAll(() => stack?.stop());

  async function writeAndCompare(): Promise<void> {
    await pair.source.query('insert into item select coalesce(max(id), 0) + 1 from item');
    await mirror.waitForEqual([samePair('public', 'item')]);
  }

  async function restartAll(environment: Readonly<Record<string, string>>): Promise<void> {
    await Promise.all(WORKERS.map((service) => stack.restart(service, { environment })));
    await stack.restart('control', { environment });
  }

  /** Ids of the keys that sealed anything in the catalog or on NATS. */
  async function keysInUse(): Promise<readonly string[]> {
    const texts = [...(await tableTexts(stack.catalog)).values()];
    for (const message of await readStreams(stack.natsUrl)) texts.push(message.text);
    const ids = texts.flatMap((text) => [...text.matchAll(/\bv1\.([0-9a-f]{8})\.[\w-]{16}\./g)]);
    return [...new Set(ids.map((match) => match[1] ?? ''))];
  }

  it('goes on service by service, without a pause, and leaves nothing under the old key', async () => {
    const [oldId] = await keysInUse();
    expect(oldId).toMatch(/^[0-9a-f]{8}$/);

    // 1. Every service gets the new key and keeps the old one for reading; the workers first, since control seals.
    await restartAll(both);
    await writeAndCompare();
    const check = await stack.runProgram(ROTATE_KEY, ['--check'], both);
    expect(check).toMatchObject({ code: 1 });
    expect(await keysInUse()).toEqual([oldId]);

    // 2. Everything is sealed anew, beside the running services.
    expect(await stack.runProgram(ROTATE_KEY, [], both)).toMatchObject({ code: 0 });
    const fresh = await keysInUse();
    expect(fresh).toHaveLength(1);
    expect(fresh).not.toContain(oldId);
    expect(await stack.runProgram(ROTATE_KEY, ['--check'], both)).toMatchObject({ code: 0 });
    await writeAndCompare();

    // 3. The old key goes.
    await restartAll({ BUNNY_SECRET_KEY: newKey });
    await writeAndCompare();
    const test = await stack.api.call('POST', `/v1/peers/${pair.name}_source/test`);
    expect(test).toMatchObject({ status: 200, body: { success: true } });
    expect((await mirror.view()).error_count).toBe(0);
  });

  it('tells secrets that no key opens, and leaves them alone', async () => {
    const strange = { BUNNY_SECRET_KEY: randomBytes(32).toString('hex') };
    const before = await keysInUse();
    const { code, output } = await stack.runProgram(ROTATE_KEY, [], strange);
    expect(code).toBe(1);
    expect(output).toContain('no key that is set opens these secrets');
    expect(await keysInUse()).toEqual(before);
  });

  it('refuses a previous key that is none', async () => {
    const { code, output } = await stack.runProgram(ROTATE_KEY, [], {
      BUNNY_SECRET_KEY: newKey,
      BUNNY_SECRET_KEY_PREVIOUS: 'not a key',
    });
    expect(code).not.toBe(0);
    expect(output).toContain('BUNNY_SECRET_KEY_PREVIOUS must be 32 bytes');
  });
});
