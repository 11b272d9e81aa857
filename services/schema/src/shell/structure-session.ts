import { setTimeout as sleep } from 'node:timers/promises';
import type { MirrorSpec } from '@bunnydb/contracts';
import { FailureKind, MirrorError } from '@bunnydb/failure';
import { killSession } from '@bunnydb/pg-client';
import type pg from 'pg';
import { type CompareOptions } from './compare-structure.js';
import { withPeer } from './peer-session.js';

/** Runs work in a session at the destination whose statements may last; a stop of the process ends them at once. */
export async function withBuilder<Result>(
  { spec, openSecret, signal }: CompareOptions,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const peer = { peer: spec.destination, role: 'destination', openSecret, signal } as const;
  return await withPeer(peer, async (client) => {
    const stop = (): void => killSession(client);
    signal.addEventListener('abort', stop, { once: true });
    try {
      // If this process dies, the server shall notice before it has built an index for nobody. Silent failures of triggers are none of ours.
      await client.query(`set client_connection_check_interval = '5s'`);
      return await work(client);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  });
}

/**
 * Takes the lock that lets one session at a time change the structure of a mirror's destination; it goes with the session. It is tried, not waited for: a
 * session that waits holds a snapshot, and a concurrent build would wait for that in turn.
 *
 * @throws MirrorError `lock_timeout` when another session has it.
 */
export async function lockStructure(client: pg.Client, spec: MirrorSpec): Promise<void> {
  const { rows } = await client.query<{ locked: boolean }>(
    `select pg_catalog.pg_try_advisory_lock(${STRUCTURE_LOCK_CLASS}, pg_catalog.hashtext($1)) as locked`,
    [spec.id],
  );
  if (rows[0]?.locked === true) return;
  throw new MirrorError(
    FailureKind.LockTimeout,
    'another session changes the structure of this mirror at the moment',
    { detail: { mirror: spec.name } },
  );
}

/** The same, tried for a while: for who has decided on something and waits for it. */
export async function awaitStructureLock(
  client: pg.Client,
  spec: MirrorSpec,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + LOCK_DEADLINE_MS;
  for (;;) {
    try {
      await lockStructure(client, spec);
      return;
    } catch (error) {
      const isHeld = error instanceof MirrorError && error.kind === FailureKind.LockTimeout;
      if (!isHeld || Date.now() >= deadline) throw error;
    }
    await sleep(LOCK_PAUSE_MS, undefined, { signal });
  }
}

const LOCK_DEADLINE_MS = 20_000;
const LOCK_PAUSE_MS = 250;
/** "stru" in ASCII. */
const STRUCTURE_LOCK_CLASS = 0x73747275;
