import type { PeerTable, PeerTablesReply, PeerTablesRequest } from '@bunnydb/contracts';
import { type RelationFacts, type RelationIndex } from '../core/relation-facts.js';
import { type OpenSecret, reachPeer } from './peer-session.js';
import { readRelations } from './read-relations.js';

/** Answers `peer_tables`: what could be mirrored. Partitions are counted with their root and not listed. */
export async function listPeerTables(
  { peer }: PeerTablesRequest,
  openSecret: OpenSecret,
): Promise<PeerTablesReply> {
  const reached = await reachPeer({ peer, role: 'peer', openSecret }, readRelations);
  if (!reached.ok) return reached;
  const relations = reached.facts;
  const tables = relations.all
    .filter((relation) => relation.kind === 'table' || relation.kind === 'partitioned')
    .filter((relation) => relation.partitionOf === null && !relation.isExtensionOwned)
    .map((relation) => peerTable(relation, relations));
  return { ok: true, tables };
}

function peerTable(relation: RelationFacts, relations: RelationIndex): PeerTable {
  const leaves = relations.leavesOf(relation);
  return {
    schema: relation.name.schema,
    table_name: relation.name.table,
    row_count: sum(leaves.map((leaf) => leaf.rowsEstimated)),
    bytes: sum(leaves.map((leaf) => leaf.bytes)),
    has_primary_key: relation.hasPrimaryKey,
    replica_identity: relation.replicaIdentity,
    partitioned: relation.kind === 'partitioned',
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
