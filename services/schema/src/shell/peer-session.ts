import type { PeerConnection } from '@bunnydb/contracts';
import { reportOf } from '@bunnydb/failure';
import {
  type ServerRole,
  closeSession,
  connectClient,
  settingsOf,
  toMirrorError,
} from '@bunnydb/pg-client';
import type pg from 'pg';
import type { Reached } from '../core/preflight-facts.js';

/** Opens a sealed secret. */
export type OpenSecret = (sealed: string) => string;

export interface PeerSessionOptions {
  readonly peer: PeerConnection;
  readonly role: ServerRole;
  readonly openSecret: OpenSecret;
  readonly signal?: AbortSignal;
}

/**
 * Runs work in a session at a peer and closes it.
 *
 * @throws MirrorError, with the side that failed.
 */
export async function withPeer<Result>(
  { peer, role, openSecret, signal }: PeerSessionOptions,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const settings = settingsOf(peer, openSecret, 'bunnydb schema');
  const client = await connectClient(settings, { role, signal, lockTimeoutMs: LOCK_TIMEOUT_MS });
  try {
    return await work(client);
  } catch (error) {
    throw toMirrorError(error, { role });
  } finally {
    await closeSession(client);
  }
}

/** The same, with a failure as an answer rather than an exception: for checks that go on when one side is down. */
export async function reachPeer<Facts>(
  options: PeerSessionOptions,
  work: (client: pg.Client) => Promise<Facts>,
): Promise<Reached<Facts>> {
  try {
    return { ok: true, facts: await withPeer(options, work) };
  } catch (error) {
    return { ok: false, failure: reportOf(error) };
  }
}

/** A table that somebody else holds must not hold a request or a command for ever. */
const LOCK_TIMEOUT_MS = 15_000;
