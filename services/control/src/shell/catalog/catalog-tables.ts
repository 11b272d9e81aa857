import type { Generated, JSONColumnType } from 'kysely';
import type { PeerConnection } from '@bunnydb/contracts';
import type { AlertMessage } from '../../core/alert/alert-message.js';
import type { MirrorConfig } from '../../core/mirror/mirror-config.js';
import type { MirrorState } from '../../core/mirror/mirror-state.js';
import type { LogCategory, LogLevel } from '../../core/mirror/log-line.js';
import type { MirrorStatus } from '../../core/mirror/mirror-status.js';
import type { Role } from '../../core/user/user.js';
import type { TableStatus } from '@bunnydb/contracts';

/** The tables of the catalog that are read through Kysely; the event store has its own. */
export interface CatalogTables {
  readonly mirrors: {
    readonly mirror_id: string;
    readonly name: string;
    readonly source_peer: string;
    readonly destination_peer: string;
    readonly state: JSONColumnType<MirrorState>;
    readonly config: JSONColumnType<MirrorConfig>;
    readonly status: MirrorStatus;
    readonly error_count: Generated<number>;
    readonly pending_schema_changes: Generated<number>;
    readonly wake_at: Date | null;
    readonly outstanding_since: Date | null;
    readonly created_at: Date;
    readonly updated_at: Date;
  };
  readonly mirror_tables: {
    readonly mirror_id: string;
    readonly source_table: string;
    readonly destination_table: string;
    readonly ordinal: number;
    readonly status: TableStatus;
    readonly rows_copied: Generated<bigint>;
    readonly error_message: string | null;
    readonly next_retry_at: Date | null;
    readonly updated_at: Date;
  };
  readonly mirror_logs: {
    readonly position: bigint;
    readonly mirror_id: string;
    readonly level: LogLevel;
    readonly category: LogCategory;
    readonly message: string;
    readonly details: JSONColumnType<Record<string, unknown>>;
    readonly created_at: Date;
  };
  readonly peers: {
    readonly peer_id: string;
    readonly name: string;
    readonly connection: JSONColumnType<PeerConnection>;
    readonly created_at: Date;
    readonly updated_at: Date;
  };
  readonly users: {
    readonly user_id: string;
    readonly username: string;
    readonly role: Role;
    readonly password_hash: string;
    readonly token_generation: Generated<number>;
    readonly kept_token_id: string | null;
    readonly created_at: Date;
    readonly updated_at: Date;
  };
  readonly revoked_tokens: { readonly token_id: string; readonly expires_at: Date };
  readonly idempotency_keys: {
    readonly username: string;
    readonly key: string;
    readonly fingerprint: string;
    readonly status: number | null;
    readonly answer: JSONColumnType<object> | null;
    readonly created_at: Date;
  };
  readonly alert_deliveries: {
    readonly id: Generated<bigint>;
    readonly message_id: string;
    readonly target: number;
    readonly alert_id: string;
    readonly body: JSONColumnType<AlertMessage>;
    readonly attempts: Generated<number>;
    readonly next_try_at: Generated<Date>;
    readonly created_at: Generated<Date>;
    readonly ended_at: Date | null;
    readonly delivered: Generated<boolean>;
  };
  readonly mirror_stats: {
    readonly mirror_id: string;
    readonly service: string;
    readonly stats: JSONColumnType<object>;
    readonly updated_at: Date;
  };
}
