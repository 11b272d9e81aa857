import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { changeStreamName } from '@bunnydb/contracts';
import { ensureControlStreams, putSpec } from '@bunnydb/messaging';
import { createDatabase, startNats, startService, until } from '@bunnydb/testkit';
import { describe, expect, it } from 'vitest';
import { CapturedMirror } from './mirror-fixture.js';

const MIB = 1024 * 1024;
const PEAK_MAX_MIB = 300;

describe.runIf(process.platform === 'linux')('the memory of a reader', () => {
  it('does not depend on the size of a value', async () => {
    const nats = await startNats();
    const database = await createDatabase({ prefix: 'memory' });
    await database.query('create table t (id int primary key, n int, v text)');
    await database.query('alter table t alter v set storage external');
    const mirror = await CapturedMirror.prepare(nats.url, database, { tables: ['public.t'] });
    await ensureControlStreams(mirror.messaging);
    const service = startService('capture', {
      NATS_URL: nats.url,
      BUNNY_SECRET_KEY: randomBytes(32).toString('hex'),
      BUNNY_LOG_LEVEL: 'warn',
    });
    await putSpec(mirror.messaging, mirror.spec);
    await database.query(`insert into t values (1, 1, repeat(E'0123456\\n', 12 * 1024 * 1024))`);
    await database.query(`update t set n = 2, v = v || 'x'`);
    const { state } = await until(
      async () => {
        const info = await mirror.messaging.jsm.streams.info(changeStreamName(mirror.spec.id));
        // Both values, with an escape for every eighth byte.
        return info.state.bytes > 216 * MIB ? info : undefined;
      },
      { what: 'both values', timeoutMs: 60_000 },
    );
    expect(state.bytes).toBeLessThan(230 * MIB);
    expect(peakMib(service.pid)).toBeLessThan(PEAK_MAX_MIB);
    await service.stop();
    await mirror.close();
    await database.drop();
    await nats.stop();
  });
});

/** The largest resident size that a process has had. */
function peakMib(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1024;
}
