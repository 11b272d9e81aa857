import { type TestDatabase, createDatabase, until } from '@bunnydb/testkit';
import type pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { spliceCopy } from '../src/copy-splice.js';
import { closeSession } from '../src/copy-splice-socket.js';

let database: TestDatabase;
let source: pg.Client;
let destination: pg.Client;

beforeEach(async () => {
  database = await createDatabase({ prefix: 'splice' });
  await database.query(
    `create table a (id int primary key, note text); create table b (like a including all);
     insert into a select i, repeat('x', i % 300) from generate_series(1, 5000) i`,
  );
  source = await database.connect();
  destination = await database.connect();
});

afterEach(async () => {
  await Promise.all([source, destination].map(closeSession));
  await database.drop();
});

function splice(copyOut: string, copyIn = 'copy b from stdin'): ReturnType<typeof spliceCopy> {
  return spliceCopy({ source, destination, copyOut, copyIn });
}

describe('spliceCopy', () => {
  it('leaves both sessions fit for more, one copy after another', async () => {
    for (let at = 0; at < 5000; at += 500) {
      const result = await splice(
        `copy (select * from a where id > ${at} and id <= ${at + 500}) to stdout`,
      );
      expect(result.rows).toBe(500);
      const { rows } = await source.query('select 1 as one');
      expect(rows).toEqual([{ one: 1 }]);
    }
    expect(await database.query('select * from b order by id')).toEqual(
      await database.query('select * from a order by id'),
    );
    // Each copy puts the driver's own listener back, rather than one more.
    const { stream } = source.connection as pg.Connection & { stream: NodeJS.ReadableStream };
    expect(stream.listeners('data')).toHaveLength(1);
  });

  it('lets notices between the rows through to the driver', async () => {
    await database.query(
      `create function tell(i int) returns int language plpgsql as
         $$ begin if i % 1000 = 0 then raise notice 'at %', i; end if; return i; end $$`,
    );
    const notices: (string | undefined)[] = [];
    source.on('notice', (notice) => notices.push(notice.message));
    await splice('copy (select tell(id), note from a order by id) to stdout');
    expect(notices).toEqual(['at 1000', 'at 2000', 'at 3000', 'at 4000', 'at 5000']);
  });

  it('does not begin at the source when the destination refuses', async () => {
    await expect(splice('copy a to stdout', 'copy gone from stdin')).rejects.toMatchObject({
      kind: 'table_missing',
      detail: { role: 'destination' },
    });
    expect((await source.query('select 1')).rowCount).toBe(1);
  });

  it('keeps nothing at the destination when the source fails among the rows', async () => {
    await expect(
      splice(
        'copy (select id / (case when id = 4000 then 0 else 1 end), note from a order by id) to stdout',
      ),
    ).rejects.toMatchObject({
      kind: 'value_rejected',
      detail: { role: 'source', sqlstate: '22012' },
    });
    await until(
      async () => {
        const [left] = await database.query<{ busy: number }>(
          `select count(*)::int as busy from pg_stat_activity
            where datname = current_database() and query like 'copy%' and state <> 'idle'`,
        );
        return left?.busy === 0;
      },
      { what: 'both sides to end' },
    );
    expect(await database.query('select count(*)::int as rows from b')).toEqual([{ rows: 0 }]);
  });

  it('tells the violated constraint of the destination', async () => {
    await database.query('insert into b values (3000)');
    await expect(splice('copy a to stdout')).rejects.toMatchObject({
      kind: 'constraint_violated',
      detail: { role: 'destination', constraint: 'b_pkey' },
    });
  });

  it('does nothing for a caller who has given up already', async () => {
    const reason = new Error('stopped');
    const options = {
      source,
      destination,
      copyOut: 'copy a to stdout',
      copyIn: 'copy b from stdin',
    };
    await expect(spliceCopy({ ...options, signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
  });
});
