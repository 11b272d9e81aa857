import { describe, expect, it } from 'vitest';
import { adoptPublication } from '../src/core/adopt-publication.js';
import { RelationIndex, keyOf } from '../src/core/relation-facts.js';
import { column, relation } from './relation-builder.js';

const USERS = relation('public.users', {
  columns: [column('id'), column('note'), column('sum', { isGenerated: true })],
});
const RELATIONS = new RelationIndex([USERS]);
const MAPPING = { source: USERS.name, destination: USERS.name, exclude_columns: [] };

describe('adoptPublication', () => {
  it('lets the copy leave out what the publication of the user leaves out', () => {
    const published = { columns: ['id'], rowFilter: '(id > 1)' };
    const publication = {
      name: 'pub',
      viaPartitionRoot: true,
      operationsLeftOut: [],
      tables: new Map([[keyOf(USERS.name), published]]),
    };
    expect(adoptPublication([MAPPING], { publication, relations: RELATIONS })).toEqual([
      { ...MAPPING, exclude_columns: ['note'], row_filter: '(id > 1)' },
    ]);
  });

  it('leaves mappings alone without one', () => {
    expect(adoptPublication([MAPPING], { publication: null, relations: RELATIONS })).toEqual([
      MAPPING,
    ]);
  });
});
