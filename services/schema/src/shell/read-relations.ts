import type pg from 'pg';
import { type RelationColumn, type RelationFacts, RelationIndex } from '../core/relation-facts.js';
import { SELECT_RELATIONS } from './sql/select-relations.js';

/** Lists the relations of a database outside the system schemas. */
export async function readRelations(client: pg.Client): Promise<RelationIndex> {
  const { rows } = await client.query<RelationRow>(SELECT_RELATIONS);
  return new RelationIndex(rows.map(relationOf));
}

function relationOf(row: RelationRow): RelationFacts {
  return {
    oid: row.oid,
    name: { schema: row.schema, table: row.name },
    kind: KINDS[row.kind] ?? 'other',
    persistence: PERSISTENCES[row.persistence] ?? 'permanent',
    partitionOf:
      row.parent_schema === null || row.parent_name === null
        ? null
        : { schema: row.parent_schema, table: row.parent_name },
    isExtensionOwned: row.is_extension_owned,
    columns: row.columns,
    identityColumns: row.identity_columns,
    computedIdentity: row.computed_identity,
    replicaIdentity: IDENTITIES[row.replica_identity] ?? 'default',
    hasPrimaryKey: row.has_primary_key,
    isOwner: row.is_owner,
    canSelect: row.can_select,
    canWrite: row.can_write,
    hasPoliciesForUser: row.has_policies_for_user,
    rowsEstimated: row.rows_estimated,
    bytes: row.bytes,
  };
}

interface RelationRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly persistence: string;
  readonly parent_schema: string | null;
  readonly parent_name: string | null;
  readonly is_extension_owned: boolean;
  readonly columns: readonly RelationColumn[];
  readonly identity_columns: readonly string[];
  readonly computed_identity: readonly string[];
  readonly replica_identity: string;
  readonly has_primary_key: boolean;
  readonly is_owner: boolean;
  readonly can_select: boolean;
  readonly can_write: boolean;
  readonly has_policies_for_user: boolean;
  readonly rows_estimated: number;
  readonly bytes: number;
}

const KINDS: Readonly<Record<string, RelationFacts['kind']>> = {
  r: 'table',
  p: 'partitioned',
  v: 'view',
  m: 'materialized_view',
  f: 'foreign',
};
const PERSISTENCES: Readonly<Record<string, RelationFacts['persistence']>> = {
  p: 'permanent',
  u: 'unlogged',
  t: 'temporary',
};
const IDENTITIES: Readonly<Record<string, RelationFacts['replicaIdentity']>> = {
  d: 'default',
  f: 'full',
  i: 'index',
  n: 'nothing',
};
