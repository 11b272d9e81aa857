import { randomBytes } from 'node:crypto';
import { faultPoint } from '@bunnydb/failure';
import {
  type ConnectionSettings,
  closeSession,
  connectClient,
  killSession,
  toMirrorError,
} from '@bunnydb/pg-client';
import { quoteIdentifier, quoteLiteral } from '@bunnydb/pg-model';
import type pg from 'pg';

/** A picture of the source at a known position, which any number of sessions may look at while it is open. */
export interface CopySnapshot {
  /** Transactions that commit before this LSN are in the picture, all others are not. */
  readonly lsn: string;
  /** A session that reads the source as of the snapshot; ended by the caller or by the signal. */
  openReader(): Promise<pg.Client>;
  close(): Promise<void>;
}

export interface SnapshotOptions {
  readonly source: ConnectionSettings;
  readonly mirrorId: string;
  readonly signal: AbortSignal;
}

/**
 * Takes a snapshot by creating a temporary logical slot on a session of its own: the only way to get a snapshot *and* the exact LSN that it
 * stands for. The slot goes with the session, whatever becomes of this process; the mirror's own slot is older and keeps the WAL.
 */
export async function openCopySnapshot(options: SnapshotOptions): Promise<CopySnapshot> {
  const { source, mirrorId, signal } = options;
  const keeper = await connectClient(source, { role: 'source', replication: true, signal });
  // Creating a slot waits for the transactions that run right now, which may take long: an abort must end it.
  const onAbort = (): void => killSession(keeper);
  signal.addEventListener('abort', onAbort, { once: true });
  const close = async (): Promise<void> => {
    signal.removeEventListener('abort', onAbort);
    await closeSession(keeper);
  };
  try {
    signal.throwIfAborted();
    const slot = quoteIdentifier(
      `bunny_copy_${mirrorId.slice(0, 36)}_${randomBytes(4).toString('hex')}`,
    );
    const { rows } = await keeper.query<{ consistent_point: string; snapshot_name: string }>(
      `CREATE_REPLICATION_SLOT ${slot} TEMPORARY LOGICAL pgoutput (SNAPSHOT 'export')`,
    );
    const [row] = rows;
    if (row === undefined) throw new Error('CREATE_REPLICATION_SLOT returned no row');
    faultPoint('copy.after_snapshot');
    return {
      lsn: row.consistent_point,
      openReader: () => openReader(source, row.snapshot_name, signal),
      close,
    };
  } catch (error) {
    await close();
    signal.throwIfAborted();
    throw toMirrorError(error, { role: 'source', step: 'create the copy snapshot' });
  }
}

async function openReader(
  source: ConnectionSettings,
  snapshotName: string,
  signal: AbortSignal,
): Promise<pg.Client> {
  const reader = await connectClient(source, { role: 'source', signal });
  try {
    await reader.query('begin transaction isolation level repeatable read, read only');
    await reader.query(`set transaction snapshot ${quoteLiteral(snapshotName)}`);
    return reader;
  } catch (error) {
    killSession(reader);
    throw toMirrorError(error, { role: 'source', step: 'import the copy snapshot' });
  }
}
