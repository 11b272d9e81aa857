import type { RelationColumn, RelationFacts } from '../src/core/relation-facts.js';

/** A permanent table with a primary key that the user owns, unless told otherwise. */
export function relation(name: string, overrides: Partial<RelationFacts> = {}): RelationFacts {
  const [schema = '', table = ''] = name.split('.');
  return {
    oid: 16_400,
    name: { schema, table },
    kind: 'table',
    persistence: 'permanent',
    partitionOf: null,
    isExtensionOwned: false,
    columns: [column('id', { isNotNull: true }), column('note')],
    identityColumns: ['id'],
    computedIdentity: [],
    replicaIdentity: 'default',
    hasPrimaryKey: true,
    isOwner: true,
    canSelect: true,
    canWrite: true,
    hasPoliciesForUser: false,
    rowsEstimated: 10,
    bytes: 8192,
    ...overrides,
  };
}

export function column(name: string, overrides: Partial<RelationColumn> = {}): RelationColumn {
  return {
    name,
    type: 'integer',
    isNotNull: false,
    isGenerated: false,
    hasDefault: false,
    ...overrides,
  };
}
