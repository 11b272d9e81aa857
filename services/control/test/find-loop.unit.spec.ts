import type { TableMapping } from '@bunnydb/contracts';
import { parseQualifiedName } from '@bunnydb/pg-model';
import { describe, expect, it } from 'vitest';
import { type Flow, findLoop } from '../src/core/mirror/find-loop.js';
import { peer } from './mirror-examples.js';

const at = (database: string): Flow['source'] => ({ ...peer('p'), database });
const table = (source: string, destination = source): TableMapping => ({
  source: parseQualifiedName(source),
  destination: parseQualifiedName(destination),
  exclude_columns: [],
});
const flow = (from: string, to: string, ...tables: readonly TableMapping[]): Flow => ({
  mirror: `${from} to ${to}`,
  source: at(from),
  destination: at(to),
  tables,
});

describe('a loop of mirrors', () => {
  const users = table('public.users');

  it('is found between two mirrors, and round several', () => {
    expect(findLoop(flow('b', 'a', users), [flow('a', 'b', users)])).toEqual({
      table: 'public.users',
      mirrors: ['a to b'],
    });
    const chain = [flow('a', 'b', users), flow('b', 'c', users)];
    expect(findLoop(flow('c', 'a', users), chain)).toEqual({
      table: 'public.users',
      mirrors: ['a to b', 'b to c'],
    });
  });

  it('goes by the tables, under whatever names', () => {
    const there = table('public.users', 'archive.people');
    expect(findLoop(flow('b', 'a', users), [flow('a', 'b', there)])).toBeUndefined();
    const back = table('archive.people', 'public.users');
    expect(findLoop(flow('b', 'a', users, back), [flow('a', 'b', there)])).toMatchObject({
      table: 'archive.people',
    });
  });

  it('is none in a chain, in two mirrors of one source, or in other tables', () => {
    const others = [flow('a', 'b', users), flow('a', 'c', users)];
    expect(findLoop(flow('b', 'd', users), others)).toBeUndefined();
    expect(findLoop(flow('b', 'a', table('public.orders')), others)).toBeUndefined();
  });

  it('within one database is one, too', () => {
    const one = table('public.users', 'copy.users');
    const two = table('copy.users', 'public.users');
    expect(findLoop(flow('a', 'a', two), [flow('a', 'a', one)])).toBeDefined();
  });
});
