/**
 * Makes a mirror's source side anew, once a person has asked for it: the slot was lost, or the source is another one.
 *
 *     look, and refuse what is not ours ──► an empty stream ──► drop the slot ──► publication ──► event triggers ──► slot ──► note
 *
 * The order of making is that of `prepare-source.ts`, for its reasons. Nothing is destroyed before everything that may be refused was looked at.
 *
 * The same rebuild must not be made twice: the second slot would start behind the first, and changes between the two would be missing. So what
 * came of it is noted with the stream. A command that comes again finds the note and answers the same; one that died before the note makes
 * everything anew, which nobody has built on; and none touches a mirror that runs.
 */
import { type MirrorSpec, type SourceIdentity } from '@bunnydb/contracts';
import { MirrorError, faultPoint } from '@bunnydb/failure';
import { type Messaging, getSpec } from '@bunnydb/messaging';
import { type ConnectionSettings, connectClient, toMirrorError } from '@bunnydb/pg-client';
import { quoteIdentifier } from '@bunnydb/pg-model';
import type pg from 'pg';
import { createPublication } from '../core/publication-plan.js';
import { type FoundSlot, refuseSlot } from '../core/slot-rebuild.js';
import { sessionName } from './capture-session.js';
import { checkIdentities } from './check-identities.js';
import { readRebuildNote, renewChangeStream, writeRebuildNote } from './change-stream.js';
import { checkTheirs } from './change-publication.js';
import { ensureDdlEvents } from './ddl-events.js';
import { dropSlot } from './drop-slot.js';
import { existingTables } from './existing-tables.js';
import type { PreparedSource } from './prepare-source.js';
import { readPublication, readPublishableColumns } from './publication-facts.js';
import { type SourceServer, createSlot, identityOf, readServer } from './source-server.js';

export interface RebuildSourceOptions {
  readonly messaging: Messaging;
  readonly settings: ConnectionSettings;
  readonly spec: MirrorSpec;
  readonly rebuild: number;
  readonly signal: AbortSignal;
}

/** @throws MirrorError `slot_in_use`, `publication_missing`, `replica_identity_missing` …: what a person has to put right first. */
export async function rebuildSource(options: RebuildSourceOptions): Promise<PreparedSource> {
  const { messaging, settings, spec, rebuild } = options;
  const note = await readRebuildNote(messaging, spec.id);
  await refuseStale(options, note?.rebuild ?? 0);
  const client = await connectClient(settings, { role: 'source' });
  try {
    const server = await readServer(client);
    const slot = await findSlot(client, spec.slot_name);
    const made = note?.rebuild === rebuild ? note.identity : undefined;
    const isMade = made?.system_id === server.systemId && slot?.isSpoilt === false;
    if (made && isMade) {
      const ddlEvents = await ensureDdlEvents(client, spec, messaging.log);
      return answerOf(spec, server, made, ddlEvents);
    }
    const refusal = slot && refuseSlot(slot, { spec, server, sessionName: sessionName(spec) });
    if (refusal) throw refusal;
    if (spec.own_publication) await checkOwnPublication(client, spec);
    await renewChangeStream(messaging, spec, { rebuild });
    await dropSlot(client, spec.slot_name, options.signal);
    if (!spec.own_publication) await remakePublication(client, spec);
    const ddlEvents = await ensureDdlEvents(client, spec, messaging.log);
    const startLsn = await createSlot(client, spec.slot_name, server);
    faultPoint('capture.after_slot_created');
    const identity = identityOf(server, startLsn);
    await writeRebuildNote(messaging, spec.id, { rebuild, identity });
    return answerOf(spec, server, identity, ddlEvents);
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

/** A command may be delivered again long after its answer, when the mirror streams from the slot that it made. */
async function refuseStale(
  { messaging, spec, rebuild }: RebuildSourceOptions,
  noted: number,
): Promise<void> {
  const desired = (await getSpec(messaging, spec.id))?.desired;
  if (desired !== 'run' && noted <= rebuild) return;
  throw new MirrorError('protocol_violation', 'the command to rebuild the source is out of date', {
    detail: { rebuild, noted },
  });
}

function answerOf(
  spec: MirrorSpec,
  server: SourceServer,
  identity: SourceIdentity,
  ddlEvents: boolean,
): PreparedSource {
  return {
    slot_name: spec.slot_name,
    publication_name: spec.publication_name,
    identity,
    server_version: server.version,
    ddl_events: ddlEvents,
  };
}

async function findSlot(client: pg.Client, slotName: string): Promise<FoundSlot | undefined> {
  const { rows } = await client.query<FoundSlot>(
    `select s.plugin::text, s.database::text, s.temporary as "isTemporary", a.application_name as "readerName",
       s.confirmed_flush_lsn is null or coalesce(s.wal_status, '') = 'lost' as "isSpoilt"
     from pg_catalog.pg_replication_slots s
     left join pg_catalog.pg_stat_activity a on a.pid = s.active_pid
     where s.slot_name = $1`,
    [slotName],
  );
  return rows[0];
}

/** The user's publication is only looked at. */
async function checkOwnPublication(client: pg.Client, spec: MirrorSpec): Promise<void> {
  const { viaRoot } = await readPublication(client, spec.publication_name);
  await checkTheirs(client, spec, viaRoot);
}

/**
 * Ours may have been dropped or altered: it is made as the mirror wants it, or stays as it was. A table that the source lacks is taken in when it is there again, as after any drop.
 */
async function remakePublication(client: pg.Client, spec: MirrorSpec): Promise<void> {
  const tables = await existingTables(client, spec.tables);
  const columns = await readPublishableColumns(client, tables);
  await client.query('begin');
  try {
    await client.query(`drop publication if exists ${quoteIdentifier(spec.publication_name)}`);
    await client.query(createPublication(spec.publication_name, tables, columns));
    await checkIdentities(
      client,
      spec.publication_name,
      tables.map(({ source }) => source),
    );
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}
