/** What one instance of a service says of itself by its heartbeat. */
export interface InstanceLoad {
  readonly instance: string;
  readonly mirrors: number;
}

/**
 * Says whether an instance should hand one of its mirrors to the others: when somebody has two fewer, so that the move makes them more alike,
 * and nobody has more. One instance at a time gives (of equals the first by name), one mirror at a time; when all are within one of another nobody
 * does, so that nothing ever goes back and forth.
 *
 * Example: 20, 0 becomes 19, 1, then 18, 2, … 10, 10. And 7, 7, 6 stays.
 */
export function shouldGive(own: InstanceLoad, peers: readonly InstanceLoad[]): boolean {
  if (peers.length === 0) return false;
  const lowest = Math.min(...peers.map(({ mirrors }) => mirrors));
  if (own.mirrors - lowest < 2) return false;
  return peers.every(
    (peer) =>
      peer.mirrors < own.mirrors || (peer.mirrors === own.mirrors && own.instance < peer.instance),
  );
}
