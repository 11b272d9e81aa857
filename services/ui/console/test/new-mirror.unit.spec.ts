import { describe, expect, it } from 'vitest';
import {
  EMPTY_DRAFT,
  arePeersChosen,
  areTablesChosen,
  mirrorRequest,
  nameProblem,
} from '../new-mirror/draft.js';
import { MIRROR_OPTIONS } from '../parts/mirror-options.js';
import { changedOptions, givenOptions, knownOptions } from '../parts/option-values.js';

const DRAFT = { ...EMPTY_DRAFT, name: 'shop', source: 'a', destination: 'b' };

describe('a mirror in the making', () => {
  it('goes on only when its peers are two, and its name is one that the gateway takes', () => {
    expect(arePeersChosen(DRAFT)).toBe(true);
    for (const wrong of [{ name: '' }, { name: 'Shop' }, { source: '' }, { destination: 'a' }])
      expect(arePeersChosen({ ...DRAFT, ...wrong })).toBe(false);
    expect([nameProblem(''), nameProblem('shop_2')]).toEqual([undefined, undefined]);
    expect(nameProblem('-shop')).toContain('beginning with');
  });

  it('needs tables that all have a name at the destination', () => {
    expect(areTablesChosen(DRAFT)).toBe(true);
    const some = { ...DRAFT, isAll: false };
    expect(areTablesChosen(some)).toBe(false);
    expect(areTablesChosen({ ...some, chosen: new Map([['public.a', 'public.b']]) })).toBe(true);
    expect(areTablesChosen({ ...some, chosen: new Map([['public.a', '']]) })).toBe(false);
  });

  it('asks for every table, or for those that were chosen under their names, and for what was changed', () => {
    expect(mirrorRequest(DRAFT)).toEqual({
      name: 'shop',
      source_peer: 'a',
      destination_peer: 'b',
      all_tables: true,
    });
    expect(mirrorRequest({ ...DRAFT, except: ' public.log_*,, audit.*' })).toMatchObject({
      all_tables: true,
      exclude_tables: ['public.log_*', 'audit.*'],
    });
    const chosen = new Map([['public.a', 'archive.a']]);
    const options = { max_batch_size: 5, publication_name: '' };
    const some = { ...DRAFT, isAll: false, except: 'a.b', chosen, options };
    expect(mirrorRequest(some)).toEqual({
      name: 'shop',
      source_peer: 'a',
      destination_peer: 'b',
      max_batch_size: 5,
      table_mappings: [{ source_table: 'public.a', destination_table: 'archive.a' }],
    });
  });
});

describe('options', () => {
  it('have names of their own', () => {
    expect(new Set(MIRROR_OPTIONS.map(({ name }) => name)).size).toBe(MIRROR_OPTIONS.length);
  });

  it('are read from a config as far as the console knows them', () => {
    const parts = { columns: true, types: false };
    const config = { max_batch_size: 7, replicate_schema: parts, to_come: 1, schema_changes: null };
    expect(knownOptions(config)).toEqual({ max_batch_size: 7, replicate_schema: parts });
  });

  it('are asked for only where they differ, by value', () => {
    const from = { a: 1, parts: { x: true } };
    expect(changedOptions({ a: 1, parts: { x: true } }, from)).toEqual({});
    expect(changedOptions({ a: 2, parts: { x: false } }, from)).toEqual({
      a: 2,
      parts: { x: false },
    });
    expect(givenOptions({ name: '', count: 0, flag: false })).toEqual({ count: 0, flag: false });
  });
});
