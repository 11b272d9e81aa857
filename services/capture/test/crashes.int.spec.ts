import { randomBytes } from 'node:crypto';
import { type FaultPoint } from '@bunnydb/failure';
import { ensureControlStreams, putSpec } from '@bunnydb/messaging';
import { SealingKey } from '@bunnydb/secrets';
import {
  type NatsServer,
  type TestDatabase,
  createDatabase,
  startNats,
  startService,
  until,
} from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CapturedMirror } from './mirror-fixture.js';

const ROWS = 400;

describe('a reader that dies', () => {
  let nats: NatsServer;
  let database: TestDatabase;

  beforeAll(async () => {
    nats = await startNats();
    database = await createDatabase({ prefix: 'crash' });
  });
  afterAll(async () => {
    await database.drop();
    await nats.stop();
  });

  it.each<FaultPoint>([
    'capture.after_receive',
    'capture.after_publish',
    'capture.after_ack',
    'capture.before_confirm',
  ])('loses nothing and repeats nothing that is whole, at %s', async (point) => {
    await database.query('drop table if exists t; create table t (id int primary key, v text)');
    const mirror = await CapturedMirror.prepare(nats.url, database, { tables: ['public.t'] });
    await ensureControlStreams(mirror.messaging);
    const key = randomBytes(32).toString('hex');
    expect(SealingKey.parse(key).id).toBeDefined();
    const env = {
      NATS_URL: nats.url,
      BUNNY_SECRET_KEY: key,
      BUNNY_LEASE_TTL_MS: '5000',
      BUNNY_LOG_LEVEL: 'warn',
    };
    const doomed = startService('capture', { ...env, BUNNY_FAULT_POINTS: `${point}@3` });
    await putSpec(mirror.messaging, mirror.spec);
    const writer = (async () => {
      for (let id = 1; id <= ROWS; id++) {
        await database.query(`insert into t values (${id}, repeat('v', ${id}))`);
      }
    })();
    await doomed.exited;
    await writer;
    const next = startService('capture', env);
    const changes = await until(
      async () => {
        const found = await mirror.changes();
        return found.length >= ROWS ? found : undefined;
      },
      { what: 'all rows', timeoutMs: 60_000 },
    );
    expect(changes.map((c) => Number(c.columns[0]))).toEqual(
      Array.from({ length: ROWS }, (_, index) => index + 1),
    );
    await next.stop();
    await mirror.close();
  });
});
