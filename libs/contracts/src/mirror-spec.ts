import type { QualifiedName } from '@bunnydb/pg-model';

export const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof SSL_MODES)[number];

/** A secret as it is stored and sent: sealed by `@bunnydb/secrets`; never plain text. */
export type SealedText = string;

/** How to reach a server. What must stay secret is sealed. */
export interface PeerConnection {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password?: SealedText;
  readonly ssl_mode: SslMode;
  readonly ssl_root_cert?: string;
  readonly ssl_cert?: string;
  readonly ssl_key?: SealedText;
}

/** One table of a mirror, names as the catalogs store them. */
export interface TableMapping {
  readonly source: QualifiedName;
  readonly destination: QualifiedName;
  readonly exclude_columns: readonly string[];
  /** An SQL expression of the publication's WHERE; PostgreSQL 15 and later. */
  readonly row_filter?: string;
  /** Names that the table had on the source before it was renamed or moved there, oldest first: what is known under them is its. */
  readonly former_sources?: readonly QualifiedName[];
  /** Names that the destination table had before it was renamed with it, oldest first. */
  readonly former_destinations?: readonly QualifiedName[];
}

/** A mapping that stands for tables to come: `schema.*`, or `*.*` for all tables. */
export interface TablePattern {
  /** Source schema, or `*`. */
  readonly source_schema: string;
  /** Destination schema; `*` keeps the source's. */
  readonly destination_schema: string;
  readonly exclude_columns: readonly string[];
  /** Source tables that it does not stand for: names, and patterns such as `public.log_*`. Absent: none. */
  readonly except?: readonly string[];
}

export const FOREIGN_KEY_STRATEGIES = ['defer', 'replica', 'none'] as const;
export type ForeignKeyStrategy = (typeof FOREIGN_KEY_STRATEGIES)[number];

/** Which parts of a table's structure are carried along. */
export interface ReplicateSchema {
  readonly columns: boolean;
  readonly types: boolean;
  readonly defaults: boolean;
  readonly not_null: boolean;
  readonly checks: boolean;
  readonly identity: boolean;
  readonly sequences: boolean;
}

export const FULL_SCHEMA: ReplicateSchema = {
  columns: true,
  types: true,
  defaults: true,
  not_null: true,
  checks: true,
  identity: true,
  sequences: true,
};

/** The options that capture, apply and schema act on; names and defaults as in the /v1 contract. */
export interface MirrorOptions {
  readonly do_initial_snapshot: boolean;
  readonly snapshot_num_rows_per_partition: number;
  readonly snapshot_max_parallel_workers: number;
  readonly snapshot_num_tables_in_parallel: number;
  readonly max_batch_size: number;
  readonly idle_timeout_seconds: number;
  readonly schema_changes: 'auto' | 'manual' | 'ignore';
  readonly replicate_schema: ReplicateSchema | false;
  /** Unique constraints are indexes, too; primary keys come in any case. */
  readonly replicate_indexes: boolean;
  readonly replicate_foreign_keys: boolean;
  readonly foreign_key_strategy: ForeignKeyStrategy;
  readonly on_table_error: 'hold' | 'stop';
  /** How a table is copied again when nothing else was asked for. */
  readonly resync_strategy: 'truncate' | 'swap';
  /** Whether DDL of the source is told by an event trigger, where the role may create one. */
  readonly ddl_event_trigger: boolean;
  /** How long the source may be silent before capture proves with a logical message that it is still heard; 0: never. */
  readonly heartbeat_interval_seconds: number;
  /** Largest size of the change stream, in bytes; `discard new` beyond it. */
  readonly stream_max_bytes: number;
  /** How much of what is already applied the change stream keeps for people, in bytes. */
  readonly stream_tail_bytes: number;
}

export const DEFAULT_MIRROR_OPTIONS: MirrorOptions = {
  do_initial_snapshot: true,
  snapshot_num_rows_per_partition: 250_000,
  snapshot_max_parallel_workers: 4,
  snapshot_num_tables_in_parallel: 4,
  max_batch_size: 10_000,
  idle_timeout_seconds: 0,
  schema_changes: 'auto',
  replicate_schema: FULL_SCHEMA,
  replicate_indexes: true,
  replicate_foreign_keys: true,
  foreign_key_strategy: 'defer',
  on_table_error: 'hold',
  resync_strategy: 'truncate',
  ddl_event_trigger: true,
  heartbeat_interval_seconds: 60,
  stream_max_bytes: 4 * 1024 ** 3,
  stream_tail_bytes: 256 * 1024 ** 2,
};

/** What the slot was created on; checked before every start of the stream. */
export interface SourceIdentity {
  /** `IDENTIFY_SYSTEM`'s system identifier, as text (64 bits). */
  readonly system_id: string;
  readonly database: string;
  /** Tells a database from another one that took its name later; absent in mirrors of an older version. */
  readonly database_oid?: number;
  /** The slot's consistent point: the position that a mirror starts from. */
  readonly start_lsn: string;
}

/** The desired state of a mirror, as control writes it to the bucket `bunny_specs` under the mirror's id. */
export interface MirrorSpec {
  readonly v: 1;
  readonly id: string;
  readonly name: string;
  /** Grows with every change of the spec; a session restarts when it sees a newer one. */
  readonly generation: number;
  /**
   * `hold`: nothing runs (being provisioned, paused, or being dropped); `run`: capture streams, apply copies what is
   * not copied yet and then applies.
   */
  readonly desired: 'hold' | 'run';
  readonly source: PeerConnection;
  readonly destination: PeerConnection;
  readonly slot_name: string;
  readonly publication_name: string;
  /** True when the user named an existing publication: it is never altered or dropped. */
  readonly own_publication: boolean;
  /** Resolved: no patterns. */
  readonly tables: readonly TableMapping[];
  /** The patterns among the mirror's mappings: tables that appear on the source and fit one join. Absent or empty: none do. */
  readonly patterns?: readonly TablePattern[];
  readonly options: MirrorOptions;
  /** Known once the slot exists. */
  readonly source_identity?: SourceIdentity;
}
