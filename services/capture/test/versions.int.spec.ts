import { THROW_AWAY_SETTINGS, createDatabase, startPostgres, until } from '@bunnydb/testkit';
import { describe, expect, it } from 'vitest';
import { CapturedMirror } from './mirror-fixture.js';
import { testNatsUrl } from './nats-url.js';

describe('every version of PostgreSQL', () => {
  it.each([15, 16, 18] as const)('%i is read like the others', async (version) => {
    const server = await startPostgres({ version, settings: THROW_AWAY_SETTINGS });
    try {
      const database = await createDatabase({ serverUrl: server.url });
      await database.query(
        `create table t (id int primary key, v text, doubled int generated always as (id * 2) stored)`,
      );
      const mirror = await CapturedMirror.prepare(testNatsUrl(), database, {
        tables: ['public.t'],
      });
      mirror.start();
      await database.query(
        `begin; insert into t values (1, 'a'), (2, 'b'); update t set v = 'c' where id = 1; delete from t where id = 2; commit`,
      );
      const changes = await until(
        async () => {
          if (mirror.failure) throw mirror.failure;
          const found = await mirror.changes();
          return found.length >= 4 ? found : undefined;
        },
        { what: 'four changes' },
      );
      expect(changes.map((c) => [c.op, ...c.columns])).toEqual([
        ['I', '1', 'a'],
        ['I', '2', 'b'],
        ['U', '1', 'c'],
        ['D', '2', null],
      ]);
      const last = (await mirror.messages()).findLast((m) => m.commit);
      if (last) mirror.confirm(last);
      await until(
        async () => {
          const [row] = await database.query<{ moved: boolean }>(
            `select confirmed_flush_lsn > '${mirror.spec.source_identity?.start_lsn}'::pg_lsn as moved from pg_replication_slots`,
          );
          return row?.moved;
        },
        { what: 'the slot to follow' },
      );
      if (version >= 17) {
        const [row] = await database.query('select failover from pg_replication_slots');
        expect(row).toEqual({ failover: true });
      }
      await mirror.close();
      await database.drop();
    } finally {
      await server.stop('immediate');
    }
  });
});
