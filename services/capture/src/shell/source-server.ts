import type { SourceIdentity } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import type pg from 'pg';

/** What kind of server the source is, and which. */
export interface SourceServer {
  readonly version: number;
  readonly systemId: string;
  readonly database: string;
  readonly databaseOid: number;
}

export async function readServer(client: pg.Client): Promise<SourceServer> {
  const { rows } = await client.query<SourceServer>(
    `select current_setting('server_version_num')::int as version,
       (select system_identifier::text from pg_catalog.pg_control_system()) as "systemId",
       datname::text as database, oid::int8::float8 as "databaseOid"
     from pg_catalog.pg_database where datname = current_database()`,
  );
  const row = rows[0];
  if (!row) throw new MirrorError('protocol_violation', 'the source did not answer');
  return row;
}

/** What a slot that was made here is known by. */
export function identityOf(server: SourceServer, startLsn: string): SourceIdentity {
  return {
    system_id: server.systemId,
    database: server.database,
    database_oid: server.databaseOid,
    start_lsn: startLsn,
  };
}

/** Creates a mirror's slot; answers with its consistent point. */
export async function createSlot(
  client: pg.Client,
  slotName: string,
  { version }: SourceServer,
): Promise<string> {
  // From 17 on a standby can keep a copy of the slot, so that the mirror survives a failover.
  const failover = version >= FAILOVER_VERSION ? ', failover => true' : '';
  const { rows } = await client.query<{ lsn: string }>(
    `select lsn::text from pg_catalog.pg_create_logical_replication_slot($1, 'pgoutput'${failover})`,
    [slotName],
  );
  const lsn = rows[0]?.lsn;
  if (lsn === undefined) throw new MirrorError('protocol_violation', 'the source made no slot');
  return lsn;
}

const FAILOVER_VERSION = 170_000;
