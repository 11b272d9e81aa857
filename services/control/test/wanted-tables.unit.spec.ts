import { describe, expect, it } from 'vitest';
import { sortWishes, splitResolved, wantedTables } from '../src/core/mirror/wanted-tables.js';
import type { MirrorFacts } from '../src/core/mirror/mirror-state.js';
import { patternsOf } from '../src/core/request/patterns-of.js';
import { HISTORIES, ordersTable, stateAfter } from './mirror-examples.js';

function facts(over: Partial<MirrorFacts> = {}): MirrorFacts {
  const state = stateAfter(HISTORIES.running);
  if (state.tag === 'absent') throw new Error('unreachable');
  return { ...state.mirror, ...over };
}
const [users] = facts().tables;

describe('the tables that a mirror shall have', () => {
  it('need no look at a server when it has them', () => {
    const wishes = [{ source: 'public.users' }, { source: 'public.new' }, { source: 'public.*' }];
    expect(sortWishes(wishes, facts())).toEqual({
      present: [users],
      named: [{ source: 'public.new' }],
      patterns: [{ source: 'public.*' }],
    });
    expect(sortWishes([{ source: 'public."a*"' }], facts()).named).toHaveLength(1);
  });

  it('show another mapping of a table, which is refused later', () => {
    const [moved] = sortWishes([{ source: 'public.users', destination: 'a.b' }], facts()).present;
    expect(moved?.destination).toEqual({ schema: 'a', table: 'b' });
  });

  it('keep what an own publication says of a table, when nothing else is asked for', () => {
    const filtered = { ...users, source: { schema: 'public', table: 'users' } };
    const table = {
      ...ordersTable,
      ...filtered,
      row_filter: '(id > 1)',
      destination: filtered.source,
    };
    const mirror = facts({ tables: [table], ownPublication: true });
    expect(sortWishes([{ source: 'public.users' }], mirror).present).toEqual([table]);
    expect(sortWishes([{ source: 'public.users' }], facts({ tables: [table] })).present).toEqual([
      { source: filtered.source, destination: filtered.source, exclude_columns: [] },
    ]);
  });

  it('stay in their order, with what a pattern adds behind them', () => {
    const users2 = { ...ordersTable, source: { schema: 'public', table: 'users' } };
    const resolved = splitResolved([ordersTable, users2], facts());
    expect(resolved.added).toEqual([{ source: 'public.orders', destination: 'archive.orders' }]);
    // The pattern would take it elsewhere: that is another mapping.
    expect(resolved.present).toEqual([users2]);
    const wanted = wantedTables(facts(), [], facts().tables, [ordersTable]);
    expect(wanted).toEqual([users, ordersTable]);
    expect(wantedTables(facts(), [], [], [ordersTable])).toEqual([ordersTable]);
  });
});

describe('patterns', () => {
  it('for tables to come are whole schemas, with where they go', () => {
    const wishes = [
      { source: 'public.*', exclude_columns: ['secret'] },
      { source: '"Odd.one".*', destination: 'odd.*' },
      { source: 'a.*', destination: 'b."*"' },
      { source: '*.*' },
    ];
    expect(patternsOf(wishes)).toEqual([
      { source_schema: 'public', destination_schema: '*', exclude_columns: ['secret'] },
      { source_schema: 'Odd.one', destination_schema: 'odd', exclude_columns: [] },
      { source_schema: 'a', destination_schema: 'b', exclude_columns: [] },
      { source_schema: '*', destination_schema: '*', exclude_columns: [] },
    ]);
    expect(patternsOf([{ source: '*.*' }])).toHaveLength(1);
  });

  it('of another form stand for the tables that are there', () => {
    const wishes = [
      { source: 'public.log_*' },
      { source: 'tenant_*.x' },
      { source: 'tenant_*.*' },
      { source: 'public.users' },
      { source: 'public.*', row_filter: 'id > 1' },
    ];
    expect(patternsOf(wishes)).toEqual([]);
  });
});
