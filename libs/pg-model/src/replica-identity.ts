/** `pg_class.relreplident`: which old columns an UPDATE or DELETE carries in the WAL. */
export const ReplicaIdentity = {
  Default: 'd',
  Full: 'f',
  Index: 'i',
  Nothing: 'n',
} as const;
export type ReplicaIdentity = (typeof ReplicaIdentity)[keyof typeof ReplicaIdentity];

/** Whether a letter is one that PostgreSQL uses for a replica identity. */
export function isReplicaIdentity(letter: string): letter is ReplicaIdentity {
  return letter === 'd' || letter === 'f' || letter === 'i' || letter === 'n';
}
