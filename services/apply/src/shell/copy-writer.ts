import {
  type ConnectionSettings,
  connectClient,
  killSession,
  sqlstateOf,
  toMirrorError,
} from '@bunnydb/pg-client';
import type pg from 'pg';

/** A destination session that rows are copied into. */
export interface CopyWriter {
  readonly client: pg.Client;
  /** Whether the user's triggers and foreign keys are silent in this session. */
  readonly silencesTriggers: boolean;
}

/**
 * Opens a destination session for copying: triggers and foreign keys silent where the user may do so, and commits that do not wait for the
 * disk, since the ledger is lost together with the rows; `finishTable` waits.
 */
export async function openCopyWriter(
  destination: ConnectionSettings,
  signal: AbortSignal,
): Promise<CopyWriter> {
  const client = await connectClient(destination, { role: 'destination', signal });
  try {
    await client.query('set synchronous_commit = off');
    return { client, silencesTriggers: await silenceTriggers(client) };
  } catch (error) {
    killSession(client);
    throw toMirrorError(error, { role: 'destination', step: 'open a copy session' });
  }
}

async function silenceTriggers(client: pg.Client): Promise<boolean> {
  try {
    await client.query('set session_replication_role = replica');
    return true;
  } catch (error) {
    if (sqlstateOf(error) === INSUFFICIENT_PRIVILEGE) return false;
    throw error;
  }
}

const INSUFFICIENT_PRIVILEGE = '42501';
