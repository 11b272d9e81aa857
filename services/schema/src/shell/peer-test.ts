import type { PeerTestReply, PeerTestRequest } from '@bunnydb/contracts';
import { type OpenSecret, reachPeer } from './peer-session.js';
import { readServerFacts } from './read-server-facts.js';

/** Answers `peer_test`: can we get there, and what may we do. A peer has no side yet. */
export async function testPeer(
  { peer }: PeerTestRequest,
  openSecret: OpenSecret,
): Promise<PeerTestReply> {
  const reached = await reachPeer({ peer, role: 'peer', openSecret }, async (client) => {
    const facts = await readServerFacts(client);
    const askedAtMs = performance.now();
    await client.query('select 1');
    return { facts, latencyMs: performance.now() - askedAtMs };
  });
  if (!reached.ok) return reached;
  const { facts, latencyMs } = reached.facts;
  return {
    ok: true,
    version: facts.version,
    server_version_num: facts.versionNumber,
    latency_ms: Math.round(latencyMs * 100) / 100,
    is_standby: facts.isStandby,
    wal_level: facts.walLevel,
    can_replicate: facts.canReplicate,
    can_create: facts.canCreateInDatabase,
    max_replication_slots: facts.slotsMax,
    used_replication_slots: facts.slotsUsed,
  };
}
