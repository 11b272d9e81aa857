import { describe, expect, it } from 'vitest';
import { RelationIndex } from '../src/core/relation-facts.js';
import { type ResolvedWishes, resolveWishes } from '../src/core/resolve-wishes.js';
import { relation } from './relation-builder.js';

const RELATIONS = new RelationIndex([
  relation('public.users'),
  relation('public.orders', { kind: 'partitioned' }),
  relation('public.orders_1', { partitionOf: { schema: 'public', table: 'orders' } }),
  relation('public.report', { kind: 'view' }),
  relation('public.cache', { persistence: 'unlogged' }),
  relation('public.remote', { kind: 'foreign' }),
  relation('public.spatial', { isExtensionOwned: true }),
  relation('audit.log'),
  relation('audit.users'),
]);

function resolve(...wishes: Parameters<typeof resolveWishes>[0]): ResolvedWishes {
  return resolveWishes(wishes, false, RELATIONS);
}

function shown({ tables }: ResolvedWishes): string[] {
  return tables.map(
    ({ source, destination }) =>
      `${source.schema}.${source.table}>${destination.schema}.${destination.table}`,
  );
}

describe('resolveWishes', () => {
  it('takes all that can be replicated, a partitioned table once', () => {
    const all = resolveWishes([], true, RELATIONS);
    expect(shown(all)).toEqual([
      'public.users>public.users',
      'public.orders>public.orders',
      'audit.log>audit.log',
      'audit.users>audit.users',
    ]);
    expect(all.problems).toEqual([]);
  });

  it('maps a pattern to another schema, and lets a named table win over it', () => {
    const result = resolve(
      { source: 'audit.*', destination: 'archive.*' },
      { source: 'audit.log', destination: 'audit.journal', exclude_columns: ['note'] },
    );
    expect(shown(result).sort()).toEqual(['audit.log>audit.journal', 'audit.users>archive.users']);
    expect(result.tables.find((table) => table.source.table === 'log')?.exclude_columns).toEqual([
      'note',
    ]);
  });

  it('refuses what is named and cannot be replicated, each with its reason', () => {
    const result = resolve(
      { source: 'public.report' },
      { source: 'public.cache' },
      { source: 'public.remote' },
      { source: 'public.nobody' },
      { source: 'pg_catalog.pg_class' },
      { source: 'nonsense' },
      { source: 'nowhere.*' },
    );
    expect(result.tables).toEqual([]);
    expect(result.problems.map((problem) => problem.detail)).toEqual([
      expect.stringContaining('is a view'),
      expect.stringContaining('is unlogged'),
      expect.stringContaining('is a foreign table'),
      expect.stringContaining('public.nobody does not exist'),
      expect.stringContaining('pg_catalog.pg_class does not exist'),
      'nonsense is not a table name',
      expect.stringContaining('the pattern nowhere.* matches no table'),
    ]);
    expect(result.problems[1]?.fix).toBe('ALTER TABLE "public"."cache" SET LOGGED;');
  });

  it('leaves out what a pattern does not stand for, a partitioned table with all its partitions', () => {
    const except = ['public.ord*', 'audit."users"', 'nowhere.*'];
    const result = resolve({ source: '*.*', except });
    expect(shown(result)).toEqual(['public.users>public.users', 'audit.log>audit.log']);
    expect(result.problems).toEqual([]);
    // What the one pattern leaves out, another may stand for.
    expect(
      shown(resolve({ source: 'audit.*', except: ['audit.log'] }, { source: 'audit.l*' })),
    ).toEqual(['audit.users>audit.users', 'audit.log>audit.log']);
  });

  it('leaves no partition out by itself, since the publication speaks for its root', () => {
    const result = resolve({ source: 'public.*', except: ['public.orders_*'] });
    expect(shown(result)).toEqual(['public.users>public.users', 'public.orders>public.orders']);
  });

  it('says so when nothing of a pattern is left', () => {
    const result = resolve({ source: 'audit.*', except: ['*.*'] });
    expect(result).toMatchObject({
      tables: [],
      problems: [{ detail: 'every table that the pattern audit.* matches is excluded' }],
    });
  });

  it('takes a partition alone, but not beside its root', () => {
    expect(shown(resolve({ source: 'public.orders_1' }))).toEqual([
      'public.orders_1>public.orders_1',
    ]);
    expect(shown(resolve({ source: 'public.orders_1' }, { source: 'public.orders' }))).toEqual([
      'public.orders>public.orders',
    ]);
  });

  it('refuses two tables with one destination, a table listed twice, and our own schema', () => {
    const details = resolve(
      { source: 'public.users' },
      { source: 'public.users' },
      { source: 'audit.users', destination: 'public.users' },
      { source: 'audit.log', destination: '_bunny.log' },
    ).problems.map((problem) => problem.detail);
    expect(details).toEqual([
      'public.users is listed twice',
      '_bunny.log is in a system schema',
      'public.users and audit.users have the same destination public.users',
    ]);
  });
});
