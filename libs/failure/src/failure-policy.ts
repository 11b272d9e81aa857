import { FailureKind } from './failure-kind.js';

/**
 * What is done about a failure: `retry_timed` waits with back-off and tries again; `retry_manual` waits for a person's
 * `retry`; `stop` needs a decision (a resync, a repair) before anything can go on.
 */
export type FailureAction = 'retry_timed' | 'retry_manual' | 'stop';

export interface FailurePolicy {
  readonly action: FailureAction;
  /** One sentence for the operator: what to look at or to do. */
  readonly hint: string;
}

const timed = (hint: string): FailurePolicy => ({ action: 'retry_timed', hint });
const manual = (hint: string): FailurePolicy => ({ action: 'retry_manual', hint });
const stop = (hint: string): FailurePolicy => ({ action: 'stop', hint });

/** The one table from kind to policy; a full record, so that a new kind must be judged here. */
export const FAILURE_POLICIES: Readonly<Record<FailureKind, FailurePolicy>> = {
  [FailureKind.SourceUnreachable]: timed(
    'Check that the source server runs and that its host, port and firewall let BunnyDB in.',
  ),
  [FailureKind.DestinationUnreachable]: timed(
    'Check that the destination server runs and that its host, port and firewall let BunnyDB in.',
  ),
  [FailureKind.PeerUnreachable]: timed(
    'Check that the server runs and that its host, port and firewall let BunnyDB in.',
  ),
  [FailureKind.DatabaseMissing]: timed(
    "Create the database on the server, or correct the peer's database with PUT /v1/peers/{name}.",
  ),
  [FailureKind.MessagingUnavailable]: timed(
    'Check that nats-server runs with JetStream enabled and that NATS_URL points to it.',
  ),
  [FailureKind.ServerShuttingDown]: timed(
    'The server is stopping or starting; BunnyDB goes on as soon as it accepts connections.',
  ),
  [FailureKind.AuthenticationFailed]: timed(
    "Correct the peer's user or password with PUT /v1/peers/{name}.",
  ),
  [FailureKind.TlsFailed]: timed("Check the peer's ssl_mode and certificates."),
  [FailureKind.PrivilegeMissing]: timed(
    'Grant the privilege that the message names; the next try picks it up.',
  ),
  [FailureKind.WalLevelNotLogical]: timed(
    'Run ALTER SYSTEM SET wal_level = logical on the source and restart it.',
  ),
  [FailureKind.SlotInUse]: timed(
    'Another session reads the slot; it is taken over when that session ends.',
  ),
  [FailureKind.SlotMissing]: stop(
    'The replication slot is gone, and with it changes that nobody has read. POST /v1/mirrors/{name}/resync makes slot and publication anew and copies every table; nothing is copied until you ask for it.',
  ),
  [FailureKind.SlotInvalidated]: stop(
    'The source has discarded WAL that the slot needed (see max_slot_wal_keep_size there). POST /v1/mirrors/{name}/resync makes slot and publication anew and copies every table; nothing is copied until you ask for it.',
  ),
  [FailureKind.SlotLimit]: timed(
    'Raise max_replication_slots or max_wal_senders on the source, or drop slots that nobody uses.',
  ),
  [FailureKind.PublicationMissing]: stop(
    'The publication is gone, and changes may be missing. Create it again if it is one that you named; then POST /v1/mirrors/{name}/resync makes slot and publication anew and copies every table.',
  ),
  [FailureKind.ForeignServer]: stop(
    'The source is not the server or database that the mirror has read. Correct the peer with PUT /v1/peers/{name}; if the source was replaced on purpose, POST /v1/mirrors/{name}/resync makes slot and publication anew and copies every table.',
  ),
  [FailureKind.PositionGap]: stop(
    'Changes between destination and slot are gone, or one side was set back (restored from a backup?). POST /v1/mirrors/{name}/resync makes slot and publication anew and copies every table.',
  ),
  [FailureKind.PositionFenced]: timed(
    'Another applier has taken this mirror over; this one stands back.',
  ),
  [FailureKind.StreamLost]: timed('The change stream was lost and is rebuilt from the slot.'),
  [FailureKind.StreamFull]: timed(
    'The change stream is full: see why the destination is slow, or raise the stream limit.',
  ),
  [FailureKind.StreamFenced]: timed(
    'Another reader has taken this mirror over; this one stands back.',
  ),
  [FailureKind.TableMissing]: timed(
    'Create the table that the message names, or remove it from the mirror.',
  ),
  [FailureKind.TableNotEmpty]: manual(
    'Rows that may be of somebody else are never overwritten, nor are those of a table that left the mirror and comes back. Look at them; empty the table at the destination, then retry it with POST /v1/mirrors/{name}/retry, or give it another destination with PUT /v1/mirrors/{name}/tables.',
  ),
  [FailureKind.TableRenamed]: stop(
    'A table was renamed or moved to another schema on the source. With schema_changes auto the mirror follows it; else name it anew with PUT /v1/mirrors/{name}/tables, and it is copied under the new name.',
  ),
  [FailureKind.TableOnHold]: manual(
    'Somebody holds the table; its changes are kept, and the other tables go on. A retry of the table releases it.',
  ),
  [FailureKind.TableRewritten]: timed(
    'ALTER TABLE wrote the table anew, or another took its name, after the snapshot of its copy; it is copied under a newer one.',
  ),
  [FailureKind.SwapRefused]: manual(
    'Drop what the message names and retry the table, or copy it again in place, which leaves all of that alone: POST /v1/mirrors/{name}/resync/{table} with {"strategy": "truncate"}.',
  ),
  [FailureKind.SchemaMismatch]: timed(
    "Bring the destination table's columns in line with the source's: GET /v1/mirrors/{name}/schema-diff shows what differs, POST /v1/mirrors/{name}/sync-schema makes it equal.",
  ),
  [FailureKind.ConstraintViolated]: timed(
    'Remove the conflicting row at the destination or drop the constraint, then retry.',
  ),
  [FailureKind.ValueRejected]: timed(
    'The destination refused a value (type, encoding or length): align the column, then retry.',
  ),
  [FailureKind.ReplicaIdentityMissing]: stop(
    'Give the table a primary key or ALTER TABLE … REPLICA IDENTITY FULL on the source.',
  ),
  [FailureKind.SerializationConflict]: timed(
    'A deadlock or serialization conflict at the server; it is tried again.',
  ),
  [FailureKind.LockTimeout]: timed(
    'Another session holds a lock on the table that the message names.',
  ),
  [FailureKind.StatementTimeout]: timed(
    'Raise statement_timeout for the BunnyDB user, or see what slows the server down.',
  ),
  [FailureKind.ReadOnly]: timed(
    'The destination is read-only (standby or default_transaction_read_only): point the peer to a primary.',
  ),
  [FailureKind.DiskFull]: timed('Free disk space on the server that the message names.'),
  [FailureKind.OutOfResources]: timed('The server is out of memory or connections.'),
  [FailureKind.SecretUnreadable]: stop(
    'The secret was sealed with another BUNNY_SECRET_KEY: restore that key or enter the password again.',
  ),
  [FailureKind.InvalidInput]: manual('Correct the input that the message names.'),
  [FailureKind.ProtocolViolation]: manual(
    'A peer sent something unexpected; please report it with the message.',
  ),
  [FailureKind.Unexpected]: timed('See the log of the service for the cause.'),
};

/** The policy of a kind. */
export function policyOf(kind: FailureKind): FailurePolicy {
  return FAILURE_POLICIES[kind];
}
