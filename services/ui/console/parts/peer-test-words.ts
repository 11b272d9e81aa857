import type { PeerTest } from '../api/client.js';

/** How a test of a peer went, in one line. */
export function peerTestWords(test: PeerTest): string {
  if (!test.success) return [test.error, test.hint].filter(Boolean).join(': ');
  const facts = [
    `PostgreSQL ${test.version ?? ''}`.trim(),
    `${test.latency_ms ?? '?'} ms away`,
    `wal_level ${test.wal_level ?? 'unknown'}`,
    test.is_standby ? 'a standby' : '',
    test.can_replicate ? 'may replicate' : 'may not replicate, so it can only be a destination',
  ];
  return facts.filter(Boolean).join(', ');
}
