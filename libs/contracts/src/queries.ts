import type { DdlMark, RelationMark } from '@bunnydb/change-stream';
import type { FailureReport } from '@bunnydb/failure';
import type { StructureRefusal } from './events.js';
import type { QualifiedName } from '@bunnydb/pg-model';
import type { MirrorOptions, MirrorSpec, PeerConnection, TableMapping } from './mirror-spec.js';

/** Every reply is either `{ok: true, …}` or `{ok: false, failure}`. */
export type Reply<Body> =
  ({ readonly ok: true } & Body) | { readonly ok: false; readonly failure: FailureReport };

export interface PeerTestRequest {
  readonly peer: PeerConnection;
}
export type PeerTestReply = Reply<{
  readonly version: string;
  readonly server_version_num: number;
  readonly latency_ms: number;
  readonly is_standby: boolean;
  readonly wal_level: string;
  readonly can_replicate: boolean;
  readonly can_create: boolean;
  readonly max_replication_slots: number;
  readonly used_replication_slots: number;
}>;

export interface PeerTablesRequest {
  readonly peer: PeerConnection;
}
export interface PeerTable {
  readonly schema: string;
  readonly table_name: string;
  readonly row_count: number;
  readonly bytes: number;
  readonly has_primary_key: boolean;
  readonly replica_identity: 'default' | 'full' | 'index' | 'nothing';
  readonly partitioned: boolean;
}
export type PeerTablesReply = Reply<{ readonly tables: readonly PeerTable[] }>;

/** A table wish before it is resolved: one table, or a pattern such as `public.*`. */
export interface TableWish {
  readonly source: string;
  readonly destination?: string;
  readonly exclude_columns?: readonly string[];
  readonly row_filter?: string;
  /** Of a pattern: names and patterns of tables that it does not stand for. */
  readonly except?: readonly string[];
}

export interface ValidateRequest {
  readonly name: string;
  readonly source: PeerConnection;
  readonly destination: PeerConnection;
  /** May be empty with `all_tables`. */
  readonly wishes: readonly TableWish[];
  /** The same as a wish for `*.*`. */
  readonly all_tables: boolean;
  readonly options: MirrorOptions;
  readonly publication_name?: string;
  readonly replication_slot_name?: string;
}
export interface PreflightCheck {
  readonly name: string;
  readonly ok: boolean;
  /** What was found. */
  readonly detail: string;
  /** The exact SQL or setting that mends it; empty when `ok`. */
  readonly fix: string;
}
export type ValidateReply = Reply<{
  readonly checks: readonly PreflightCheck[];
  readonly tables: readonly TableMapping[];
}>;

/** Which mirror: by its spec, or by name, which is then looked for in the bucket of specs (for people with the NATS CLI). */
export interface SchemaDiffRequest {
  readonly spec?: MirrorSpec;
  readonly mirror?: string;
}
/** One difference between source and destination. */
export interface SchemaChange {
  /** The same as long as the difference is the same. */
  readonly id: string;
  readonly kind: string;
  /** What `include` chooses by: `columns`, `indexes`, `foreign_keys`, … */
  readonly group: string;
  readonly object: string;
  readonly sql: string;
  readonly destructive: boolean;
  readonly locks: string;
  readonly reason: string;
}
export type SchemaDiffReply = Reply<{
  /** Destination tables that were compared. */
  readonly tables: readonly string[];
  readonly changes: readonly SchemaChange[];
  /** Differences that no change makes go away. */
  readonly notes: readonly StructureRefusal[];
  /** Nothing of the source's is missing or different; the destination may have more. */
  readonly in_sync: boolean;
  /** Changes and notes that did not fit into the reply. */
  readonly left_off: number;
}>;

export interface SchemaSyncRequest extends SchemaDiffRequest {
  /** Ids of changes; all when left out. */
  readonly changes?: readonly string[];
  /** Groups of changes; all when left out. */
  readonly include?: readonly string[];
  readonly allow_destructive?: boolean;
  readonly dry_run?: boolean;
}
export type SchemaChangeOutcome = SchemaChange & { readonly outcome: string };
/** `stale`: ids that are no longer pending; then nothing was done. */
export type SchemaSyncReply = Reply<{
  readonly applied: readonly SchemaChange[];
  readonly skipped: readonly SchemaChangeOutcome[];
  readonly failed: readonly SchemaChangeOutcome[];
  readonly stale: readonly string[];
  /** Changes that did not fit into the reply; they were treated like the others. */
  readonly left_off: number;
}>;

/** `bunny.capture.rewind.<mirror id>`: the applier found that the stream does not join its position. */
export interface RewindRequest {
  readonly position_lsn: string;
}
export type RewindReply = Reply<{ readonly restarted_from_lsn: string }>;

/**
 * `bunny.schema.follow`: the applier stands before a schema mark, everything before it is applied. The schema service makes the changes
 * that are safe and quick, and says whether rows of the new shape can be written then. Idempotent: it compares, and remembers nothing
 * but what it made. With `schema_changes: manual` it makes none; with `ignore` it is not asked.
 */
export interface SchemaFollowRequest {
  readonly spec: MirrorSpec;
  /** Source names of the tables in question. */
  readonly tables: readonly QualifiedName[];
  /** What led here; `refused`: the destination refused rows, and the structure may be why. */
  readonly cause:
    RelationMark | DdlMark | { readonly kind: 'refused'; readonly failure: FailureReport };
}
/** What to do with a table whose shape changed. */
export type FollowOutcome =
  /** Rows of the new shape can be written. */
  | { readonly tag: 'followed' }
  /** A change that is not for us to make, or takes long, has to come first: the table is held with this reason. */
  | { readonly tag: 'hold'; readonly failure: FailureReport }
  /** Rows that are there cannot be derived (a default that differs by row): the table has to be copied again. */
  | { readonly tag: 'recopy'; readonly reason: string };
export type SchemaFollowReply = Reply<{
  readonly tables: readonly { readonly table: QualifiedName; readonly outcome: FollowOutcome }[];
  /** What was made, in words. */
  readonly made: readonly string[];
  /** How many differences are left. */
  readonly pending: number;
}>;

/**
 * `bunny.schema.shadow`: `create` makes an empty table beside the destination table with the same columns, key and constraints that
 * writing needs (or finds it, and empties it); `swap` gives it everything else and puts it in the place of the old one, in one
 * transaction; `drop` removes it. Each is idempotent.
 */
export interface SchemaShadowRequest {
  readonly spec: MirrorSpec;
  readonly action: 'create' | 'swap' | 'drop';
  /** Source names; `swap` swaps all of them in one transaction. */
  readonly tables: readonly QualifiedName[];
}
export type SchemaShadowReply = Reply<{
  readonly shadows: readonly { readonly table: QualifiedName; readonly shadow: QualifiedName }[];
}>;

/** Which tables cannot be copied again by swap, before anybody takes them out of the main lane for it. Changes nothing. */
export interface SchemaSwapCheckRequest {
  readonly spec: MirrorSpec;
  /** Source names. */
  readonly tables: readonly QualifiedName[];
}
export type SchemaSwapCheckReply = Reply<{
  readonly obstacles: readonly {
    readonly table: QualifiedName;
    /** What stands against it, in words. */
    readonly reasons: readonly string[];
  }[];
}>;
