import { progressSubject } from '@bunnydb/contracts';
import { parseLsn } from '@bunnydb/pg-model';
import { type TestDatabase, createDatabase, until } from '@bunnydb/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CapturedMirror } from './mirror-fixture.js';
import { testNatsUrl } from './nats-url.js';

/** Idle progress is told every ten seconds unless somebody asks. */
const SOON_MS = 5_000;

describe('progress that somebody waits for', () => {
  let database: TestDatabase;
  let mirror: CapturedMirror;
  let beside = 0;

  beforeEach(async () => {
    database = await createDatabase({ prefix: 'wanted' });
    await database.query('create table t (id int primary key, v text)');
    mirror = await CapturedMirror.prepare(testNatsUrl(), database, {
      tables: ['public.t'],
      // No marks of the DDL that writes WAL beside the mirror.
      options: { schema_changes: 'ignore' },
    });
    mirror.start();
  });
  afterEach(async () => {
    await mirror.close();
    await database.drop();
  });

  /** Asks as a lane does, again and again, since nobody may listen yet. */
  async function waitFor(lsn: string): Promise<void> {
    await until(
      async () => {
        if (mirror.failure) throw mirror.failure;
        mirror.messaging.publishJson(progressSubject(mirror.spec.id), { lsn });
        const commits = (await mirror.messages()).flatMap(({ commit }) => commit ?? []);
        return commits.some(({ head }) => head.lastLsn >= parseLsn(lsn));
      },
      { timeoutMs: SOON_MS, what: `the stream to come to ${lsn}` },
    );
  }

  async function flushedLsn(): Promise<string> {
    await database.query(
      `begin; set local synchronous_commit = on; create table beside_${beside++} (id int); commit`,
    );
    const [row] = await database.query<{ lsn: string }>(
      'select pg_current_wal_flush_lsn()::text as lsn',
    );
    return row?.lsn ?? '0/0';
  }

  it('comes at once, time after time, though no change concerns the mirror', async () => {
    for (let round = 0; round < 3; round += 1) await waitFor(await flushedLsn());
    const lines = (await mirror.messages()).flatMap((message) => message.commit?.lines ?? []);
    expect(lines).toEqual([]);
  });

  it('does not come before the source is there', async () => {
    const reached = await flushedLsn();
    await waitFor(reached);
    mirror.messaging.publishJson(progressSubject(mirror.spec.id), { lsn: 'FFFF/0' });
    await database.query(`insert into t values (1, 'v')`);
    await until(async () => (await mirror.changes()).length === 1, { what: 'the change' });
    const last = (await mirror.messages()).findLast((message) => message.commit);
    expect(last?.commit?.head.lastLsn).toBeLessThan(parseLsn('FFFF/0'));
  });
});
