import type pg from 'pg';
import type { ServerFacts } from '../core/preflight-facts.js';
import { SELECT_SCHEMAS } from './sql/select-schemas.js';
import { selectServer } from './sql/select-server.js';

/** Asks a server about itself. */
export async function readServerFacts(client: pg.Client): Promise<ServerFacts> {
  const asked = await client.query<{ version_number: number }>(
    `select current_setting('server_version_num')::int as version_number`,
  );
  const { rows } = await client.query<ServerRow>(selectServer(asked.rows[0]?.version_number ?? 0));
  const [row] = rows;
  if (row === undefined) throw new Error('the server knows nothing of the session');
  const schemas = await client.query<{ schema: string; can_create: boolean }>(SELECT_SCHEMAS);
  return {
    version: row.version,
    versionNumber: row.version_number,
    user: row.user,
    database: row.database,
    encoding: row.encoding,
    isStandby: row.is_standby,
    isReadOnly: row.is_read_only,
    isSuperuser: row.is_superuser,
    walLevel: row.wal_level,
    slotsMax: row.slots_max,
    slotsUsed: row.slots_used,
    walSendersMax: row.wal_senders_max,
    walSendersUsed: row.wal_senders_used,
    canReplicate: row.can_replicate,
    canCreateInDatabase: row.can_create_in_database,
    canSetReplicationRole: row.can_set_replication_role,
    identity: row.identity,
    schemas: new Map(schemas.rows.map(({ schema, can_create }) => [schema, can_create])),
  };
}

interface ServerRow {
  readonly version: string;
  readonly version_number: number;
  readonly user: string;
  readonly database: string;
  readonly encoding: string;
  readonly is_standby: boolean;
  readonly is_read_only: boolean;
  readonly is_superuser: boolean;
  readonly wal_level: string;
  readonly slots_max: number;
  readonly slots_used: number;
  readonly wal_senders_max: number;
  readonly wal_senders_used: number;
  readonly can_replicate: boolean;
  readonly can_create_in_database: boolean;
  readonly can_set_replication_role: boolean;
  readonly identity: string;
}
