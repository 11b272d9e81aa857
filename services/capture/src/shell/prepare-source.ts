import { type MirrorSpec, type SourceIdentity, defaultSlotName } from '@bunnydb/contracts';
import { MirrorError, faultPoint } from '@bunnydb/failure';
import type { Messaging } from '@bunnydb/messaging';
import { type ConnectionSettings, connectClient, toMirrorError } from '@bunnydb/pg-client';
import type pg from 'pg';
import { alterPublication, createPublication } from '../core/publication-plan.js';
import { ensureChangeStream, readStreamFacts } from './change-stream.js';
import { ensureDdlEvents } from './ddl-events.js';
import { readPublishableColumns } from './publication-facts.js';
import { type SourceServer, createSlot, identityOf, readServer } from './source-server.js';

export interface PreparedSource {
  readonly slot_name: string;
  readonly publication_name: string;
  readonly identity: SourceIdentity;
  readonly server_version: number;
  /** Whether DDL of the source is told. */
  readonly ddl_events: boolean;
}

/**
 * Makes what a mirror needs at its source, or finds it from an earlier try. The order matters: the stream before the slot, since a slot keeps WAL
 * from its first moment; the publication before the slot, since a change is decoded with the catalog of its time, and a
 * publication that is younger than the slot would be missing in it; the event triggers before the slot, so that no DDL after it goes untold.
 */
export async function prepareSource(
  messaging: Messaging,
  settings: ConnectionSettings,
  spec: MirrorSpec,
): Promise<PreparedSource> {
  await ensureChangeStream(messaging, spec);
  const client = await connectClient(settings, { role: 'source' });
  try {
    const server = await readServer(client);
    const answer = (identity: SourceIdentity, ddlEvents: boolean): PreparedSource => ({
      slot_name: spec.slot_name,
      publication_name: spec.publication_name,
      identity,
      server_version: server.version,
      ddl_events: ddlEvents,
    });
    if (spec.source_identity) {
      return answer(spec.source_identity, await ensureDdlEvents(client, spec, messaging.log));
    }
    const isNew = await ensurePublication(client, spec);
    const ddlEvents = await ensureDdlEvents(client, spec, messaging.log);
    const stream = await readStreamFacts(messaging, spec);
    // A stream with a commit message has been read into: its slot must not be made anew, whatever became of the publication.
    const startLsn = await ensureSlot(client, spec, server, isNew && !stream.lastCommit);
    faultPoint('capture.after_slot_created');
    return answer(identityOf(server, startLsn), ddlEvents);
  } catch (error) {
    throw toMirrorError(error, {
      role: 'source',
      slot: spec.slot_name,
      publication: spec.publication_name,
    });
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** True when the publication was not there before. */
async function ensurePublication(client: pg.Client, spec: MirrorSpec): Promise<boolean> {
  const { rows } = await client.query('select from pg_catalog.pg_publication where pubname = $1', [
    spec.publication_name,
  ]);
  if (spec.own_publication) {
    if (rows.length > 0) return false;
    throw new MirrorError('publication_missing', 'the publication that was named does not exist');
  }
  const columns = await readPublishableColumns(client, spec.tables);
  if (rows.length === 0) {
    await client.query(createPublication(spec.publication_name, spec.tables, columns));
    return true;
  }
  for (const sql of alterPublication(spec.publication_name, spec.tables, columns)) {
    await client.query(sql);
  }
  return false;
}

/** Creates the slot, or takes the one of an earlier try; answers with its consistent point. */
async function ensureSlot(
  client: pg.Client,
  spec: MirrorSpec,
  server: SourceServer,
  mayRemake: boolean,
): Promise<string> {
  const { rows } = await client.query<{
    plugin: string;
    database: string;
    temporary: boolean;
    active: boolean;
    lsn: string | null;
    wal_status: string | null;
  }>(
    `select plugin, database, temporary, active, confirmed_flush_lsn::text as lsn, wal_status
     from pg_catalog.pg_replication_slots where slot_name = $1`,
    [spec.slot_name],
  );
  const slot = rows[0];
  if (!slot) return createSlot(client, spec.slot_name, server);
  if (slot.plugin !== 'pgoutput' || slot.database !== server.database || slot.temporary) {
    throw new MirrorError('slot_in_use', 'a replication slot of this name serves something else');
  }
  const isSpoilt = slot.lsn === null || slot.wal_status === 'lost';
  if (!slot.active && (isSpoilt || mayRemake) && mayRemakeSlot(spec)) {
    await client.query('select pg_catalog.pg_drop_replication_slot($1)', [spec.slot_name]);
    return createSlot(client, spec.slot_name, server);
  }
  if (isSpoilt || slot.lsn === null) {
    throw new MirrorError('slot_invalidated', 'the replication slot can no longer be read');
  }
  // It has not been streamed from, so it stands where it was created.
  return slot.lsn;
}

/** A slot with a name of the user's choice may be somebody's; only one of our own naming is ever made anew. */
function mayRemakeSlot(spec: MirrorSpec): boolean {
  return spec.slot_name === defaultSlotName(spec.id);
}
