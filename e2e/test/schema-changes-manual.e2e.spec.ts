import { samePair } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { type Stack, startStack } from '../src/stack.js';

interface Change {
  readonly id: string;
  readonly kind: string;
  readonly object: string;
  readonly destructive: boolean;
}

/** A kind of change: what is done to the table `t` on the source, in words of SQL, and what has to be pending of it then. */
interface ManualCase {
  readonly sql: string;
  readonly kinds: readonly string[];
  /** Rows of the new shape cannot be written before a person has decided. */
  readonly isHeld: boolean;
}

/** Each in a table of its own, under writes before and after. */
const CASES: Readonly<Record<string, ManualCase>> = {
  column: {
    sql: `alter table t add column c integer default 4; insert into t values (1001, 1, 'x', 5)`,
    kinds: ['add_column'],
    isHeld: true,
  },
  late_default: {
    sql: `alter table t add column c integer; alter table t alter c set default 5; insert into t (id) values (1001)`,
    kinds: ['add_column', 'set_default'],
    isHeld: true,
  },
  other_default: {
    sql: `alter table t add column c integer default 1; alter table t alter c set default 2; alter table t alter a type bigint; insert into t (id) values (1001)`,
    kinds: ['add_column', 'alter_type'],
    isHeld: true,
  },
  own_values: {
    sql: `alter table t add column c integer generated always as identity; insert into t (id) values (1001)`,
    kinds: ['add_column'],
    isHeld: true,
  },
  renamed: {
    sql: `alter table t rename a to c; update t set c = 7 where id < 5; insert into t values (1001, 1, 'x')`,
    kinds: ['rename_column'],
    isHeld: true,
  },
  swapped: {
    sql: `insert into t values (1001, 1, 'x'); alter table t rename a to c; alter table t rename b to a; alter table t rename c to b; insert into t values (1002, 1, 'x')`,
    kinds: ['rename_column'],
    isHeld: true,
  },
  again: {
    sql: `update t set a = 9 where id = 1; alter table t drop column a; alter table t add column a integer; insert into t values (1001, 'x', 3)`,
    kinds: ['rename_column', 'add_column'],
    isHeld: true,
  },
  wider: {
    sql: `alter table t alter a type bigint; insert into t values (1001, 5000000000, 'x')`,
    kinds: ['alter_type'],
    isHeld: true,
  },
  narrower: {
    sql: `alter table t alter b type varchar(20); insert into t values (1001, 1, 'x')`,
    // Rows that fit go on; whether those that do not shall be cut is for a person to say.
    kinds: [],
    isHeld: false,
  },
  dropped: {
    sql: `alter table t drop column b; insert into t values (1001, 1)`,
    kinds: [],
    isHeld: false,
  },
  rule: {
    sql: `alter table t alter a set default 3; alter table t add check (a > 0); create index on t (a); create unique index on t (b, id)`,
    kinds: ['set_default', 'create_unique_index', 'create_index', 'add_check', 'validate_check'],
    isHeld: false,
  },
  key: {
    sql: `alter table t add foreign key (a) references parent (id)`,
    kinds: ['add_foreign_key', 'validate_foreign_key'],
    isHeld: false,
  },
  words: {
    sql: `comment on table t is 'a table'; comment on column t.a is 'a column'`,
    kinds: ['set_comment', 'set_comment'],
    isHeld: false,
  },
};

const NAMES = Object.keys(CASES);
const named = (sql: string, name: string): string =>
  sql.replaceAll(/\bt\b(?=[ .;]|$)/g, `t_${name}`);

const SOURCE = `
  create table parent (id integer primary key); insert into parent select n from generate_series(1, 300) n;
  create table calm (id integer primary key);
  ${NAMES.map(
    (name) =>
      `create table t_${name} (id integer primary key, a integer, b text); insert into t_${name} select n, n, 'row ' || n from generate_series(1, 200) n`,
  ).join(';')}`;

describe('changes of structure that are for people', () => {
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;

  beforeAll(async () => {
    stack = await startStack('manual-changes', { environment: { BUNNY_SCHEMA_POLL_MS: '500' } });
    pair = await stack.createPair({ source: SOURCE });
    mirror = await pair.createMirror({ all_tables: true, schema_changes: 'manual' });
    await mirror.waitForStatus('running');
    for (const [name, { sql }] of Object.entries(CASES)) await pair.source.query(named(sql, name));
    await pair.source.query('insert into calm values (1)');
    await mirror.waitForCatchUp();
  });
  afterAll(() => stack?.stop());

  async function pendingOf(name: string): Promise<readonly Change[]> {
    const { body } = await stack.api.call('GET', `/v1/mirrors/${mirror.name}/schema-diff`);
    const { changes } = body as { readonly changes: readonly Change[] };
    return changes.filter(
      ({ object, destructive }) => object.startsWith(`public.t_${name}`) && !destructive,
    );
  }

  test('the tables that need a person are held, all others go on, and both sides can be told apart', async () => {
    for (const [name, { isHeld }] of Object.entries(CASES)) {
      await mirror.waitForTable(`public.t_${name}`, isHeld ? 'held' : 'running');
    }
    await mirror.waitForEqual([samePair('public', 'calm'), samePair('public', 't_dropped')]);
    await pair.until(async () => {
      const { pending_schema_changes: pending = 0 } = (await mirror.view()) as {
        readonly pending_schema_changes?: number;
      };
      return pending >= NAMES.length;
    }, 'the pending changes to be counted');
  });

  test.each(Object.entries(CASES))(
    'a change of the kind %s is pending',
    async (name, { kinds }) => {
      const pending = await pendingOf(name);
      expect(pending.map(({ kind }) => kind).toSorted()).toEqual(kinds.toSorted());
    },
  );

  async function sync(changes: readonly Change[]): Promise<void> {
    const synced = await stack.api.call('POST', `/v1/mirrors/${mirror.name}/sync-schema`, {
      changes: changes.map(({ id }) => id),
    });
    expect(synced).toMatchObject({ status: 200, body: { failed: [] } });
  }

  test('sync-schema makes what was chosen, and lets that table go on alone', async () => {
    await sync(await pendingOf('column'));
    await mirror.waitForTable('public.t_column', 'running');
    await mirror.waitForEqual([samePair('public', 't_column')]);
    await mirror.waitForTable('public.t_renamed', 'held');
    expect(await pendingOf('rule')).not.toEqual([]);
  });

  test('every table is equal once all of it is made, whatever was written meanwhile', async () => {
    for (const name of NAMES) await pair.source.query(`insert into t_${name} (id) values (2001)`);
    await sync((await Promise.all(NAMES.map(pendingOf))).flat());
    for (const name of NAMES) await pair.source.query(`insert into t_${name} (id) values (2002)`);
    const pairs = NAMES.map((name) => samePair('public', `t_${name}`));
    let last: unknown;
    // A table that has to be copied may be running before that, too.
    await pair.until(
      async () => {
        for (const name of NAMES) await mirror.waitForTable(`public.t_${name}`, 'running');
        last = await mirror.waitForEqual(pairs).catch((error: unknown) => error);
        return last === undefined;
      },
      () => `all tables to be equal: ${String(last)}`,
    );
    for (const name of NAMES) expect(await pendingOf(name)).toEqual([]);
  });

  test('what may lose data is made when a person says so, and then nothing is left', async () => {
    const path = `/v1/mirrors/${mirror.name}/sync-schema`;
    const wish = { include: ['types'], allow_destructive: true };
    const synced = await stack.api.call('POST', path, wish);
    expect(synced).toMatchObject({
      status: 200,
      body: { applied: [{ kind: 'alter_type', object: 'public.t_narrower.b' }], failed: [] },
    });
    const { body } = await stack.api.call('GET', `/v1/mirrors/${mirror.name}/schema-diff`);
    expect(body).toMatchObject({ in_sync: true });
    await mirror.waitForEqual(
      [...NAMES.map((name) => `t_${name}`), 'parent', 'calm'].map((name) =>
        samePair('public', name),
      ),
    );
  });

  test('a table that is renamed is held, and comes back under its new name by PUT tables, with every row', async () => {
    await pair.source.query(`alter table calm rename to quiet; insert into quiet values (2)`);
    await mirror.waitForTable('public.calm', 'held');
    const { tables = [] } = await mirror.view();
    const wanted = tables.map(({ table_name: name }) =>
      name === 'public.calm' ? 'public.quiet' : name,
    );
    const path = `/v1/mirrors/${mirror.name}/tables`;
    expect((await stack.api.call('PUT', path, { table_mappings: wanted })).status).toBe(200);
    await mirror.waitForTable('public.quiet', 'running');
    await pair.source.query(`insert into quiet values (3)`);
    await mirror.waitForEqual([samePair('public', 'quiet')]);
  });

  test('with ignore, what both sides have goes on, whatever the source gets, and a dropped column stays', async () => {
    const other = await stack.createPair({
      source: `create table t (id integer primary key, a integer, b text); insert into t values (1, 1, 'x')`,
    });
    const ignoring = await other.createMirror({ all_tables: true, schema_changes: 'ignore' });
    await ignoring.waitForStatus('running');
    await other.source.query(`
      alter table t add column c integer default 4; insert into t values (2, 2, 'y', 5); alter table t drop column b;
      insert into t values (3, 3, 6); update t set a = 9 where id = 1; delete from t where id = 2`);
    await ignoring.waitForCatchUp();
    const { rows } = await other.destination.query('select * from t order by id');
    expect(rows).toEqual([
      { id: 1, a: 9, b: 'x' },
      { id: 3, a: 3, b: null },
    ]);
    await ignoring.waitForTable('public.t', 'running');
  });
});
