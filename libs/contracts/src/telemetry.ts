import type { ServiceName } from './subjects.js';
import type { TableStatus } from './events.js';

/** `bunny.heartbeat.<service>.<instance>`, every two seconds. */
export interface Heartbeat {
  readonly v: 1;
  readonly service: ServiceName;
  readonly instance: string;
  readonly version: string;
  readonly at: string;
  /** Ids of the mirrors whose lease this instance holds. */
  readonly mirrors: readonly string[];
  readonly rss_bytes: number;
  /** It gives its mirrors back and takes no others. */
  readonly leaving?: boolean;
}

/** `bunny.position.<mirror id>`: what the destination has. Capture moves the slot to `flushed_lsn`, never past it. */
export interface DestinationPosition {
  readonly v: 1;
  readonly mirror_id: string;
  /** Every transaction that ends at or before this LSN is committed at the destination. */
  readonly applied_lsn: string;
  /** The same, but flushed to the destination's disk: only this one may move the slot. */
  readonly flushed_lsn: string;
  /** The change stream's sequence of the last flushed `_commit` message; 0 when unknown. */
  readonly flushed_stream_seq: number;
}

/**
 * `bunny.capture.progress.<mirror id>`: a table waits for the mirror's position to reach this LSN. A source whose changes do not concern the
 * mirror is told of only every few seconds else.
 */
export interface ProgressWanted {
  readonly lsn: string;
}

/** `bunny.stats.<mirror id>.capture`, about once a second while something changes, else every five. */
export interface CaptureStats {
  readonly v: 1;
  readonly mirror_id: string;
  readonly service: 'capture';
  readonly at: string;
  /** The source's current WAL position, from keepalives and messages. */
  readonly source_lsn: string;
  /** End of the last transaction in the change stream. */
  readonly published_lsn: string;
  /** The slot's `confirmed_flush_lsn`. */
  readonly confirmed_lsn: string;
  readonly retained_wal_bytes: number;
  /** How fast that grows, over the last minutes; null until there is something to compare with. Absent in older versions. */
  readonly retained_wal_growth_bytes_per_second?: number | null;
  /** WAL that may still come before the source gives the slot up; null when it has no such limit. */
  readonly wal_room_bytes?: number | null;
  readonly stream_bytes: number;
  readonly stream_messages: number;
  readonly transactions: number;
  readonly changes: number;
  readonly bytes: number;
}

export interface TableStats {
  /** Source name, `schema.table`. */
  readonly table: string;
  readonly destination_table: string;
  readonly status: TableStatus;
  readonly rows_inserted: number;
  readonly rows_updated: number;
  readonly rows_deleted: number;
  readonly last_synced_at: string | null;
  readonly copy?: {
    readonly partitions_done: number;
    readonly partitions_total: number;
    readonly rows_done: number;
    readonly rows_estimated: number;
    readonly bytes_done: number;
    readonly bytes_estimated: number;
  };
}

/** `bunny.stats.<mirror id>.apply`, about once a second while something changes, else every five. */
export interface ApplyStats {
  readonly v: 1;
  readonly mirror_id: string;
  readonly service: 'apply';
  readonly at: string;
  readonly phase: 'copying' | 'streaming';
  readonly applied_lsn: string;
  readonly flushed_lsn: string;
  /** Commit time at the source of the last applied transaction, RFC 3339; null before the first. */
  readonly applied_commit_time: string | null;
  /** Now minus the commit time of the last applied transaction; 0 when the stream is drained. */
  readonly lag_seconds: number;
  readonly last_batch_id: string | null;
  readonly transactions: number;
  readonly changes: number;
  readonly batches: number;
  readonly exact_path_batches: number;
  readonly missing_rows: number;
  readonly tables: readonly TableStats[];
}

/** `bunny.<service>.log_level`: without a level the present one is told. */
export interface LogLevelRequest {
  readonly level?: string;
  /** After so many seconds the level of the environment is back. */
  readonly seconds?: number;
}

export interface LogLevelReply {
  readonly ok: true;
  readonly service: ServiceName;
  readonly instance: string;
  readonly level: string;
}
