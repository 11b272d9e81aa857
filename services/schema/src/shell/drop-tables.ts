import type { MirrorSpec } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import { formatQualifiedName, quoteQualifiedName } from '@bunnydb/pg-model';
import { type OpenSecret, withPeer } from './peer-session.js';

export interface DropOptions {
  readonly spec: MirrorSpec;
  readonly force: boolean;
  readonly openSecret: OpenSecret;
  readonly signal: AbortSignal;
}

export interface DropResult {
  readonly dropped: readonly string[];
  readonly left: readonly string[];
}

/**
 * Drops a mirror's destination tables, all in one statement, so that foreign keys among them are no obstacle; anything else that leans on them
 * (a view, a key of another table) is, and nothing is dropped then. With `force`, a server out of reach is given up on.
 */
export async function dropTables(options: DropOptions): Promise<DropResult> {
  const { spec, force, openSecret, signal } = options;
  const tables = spec.tables.map((table) => table.destination);
  const names = tables.map(formatQualifiedName);
  if (tables.length === 0) return { dropped: [], left: [] };
  try {
    await withPeer({ peer: spec.destination, role: 'destination', openSecret, signal }, (client) =>
      client.query(`drop table if exists ${tables.map(quoteQualifiedName).join(', ')}`),
    );
    return { dropped: names, left: [] };
  } catch (error) {
    if (force && error instanceof MirrorError && GIVEN_UP.has(error.kind)) {
      return { dropped: [], left: names };
    }
    throw error;
  }
}

/** Failures that say that the server cannot be worked with at all. */
const GIVEN_UP = new Set<string>([
  'destination_unreachable',
  'authentication_failed',
  'tls_failed',
  'server_shutting_down',
  'secret_unreadable',
]);
