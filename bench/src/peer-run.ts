import type pg from 'pg';
import { assertEqual } from './assert-equal.js';
import type { BenchServers } from './bench-servers.js';
import type { DrainTarget, Peer, PreparedPeer } from './drain-target.js';

const POLL_MS = 10;

export interface PeerRunContext {
  readonly prepared: PreparedPeer;
  readonly source: pg.Client;
  readonly destination: pg.Client;
}

export interface PeerRunOptions {
  readonly peer: Peer;
  readonly servers: BenchServers;
  readonly sourceDatabase: string;
  /** Made anew from this template and dropped afterwards. */
  readonly destinationDatabase: string;
  readonly destinationTemplate: string;
  readonly publication: string;
  readonly slot: string;
  readonly tables: readonly string[];
  readonly copy: boolean;
  readonly run: number;
}

/**
 * One run of one peer with a slot of its own that starts now: a fresh destination, `work`, equality, and nothing left.
 */
export async function withPeerRun<T>(
  options: PeerRunOptions,
  work: (context: PeerRunContext) => Promise<T>,
): Promise<T> {
  const { servers, slot } = options;
  await servers.destination.recreateDatabase(
    options.destinationDatabase,
    options.destinationTemplate,
  );
  const source = await servers.source.connect(options.sourceDatabase);
  const destination = await servers.destination.connect(options.destinationDatabase);
  try {
    await source.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [slot]);
    await source.query('checkpoint');
    await destination.query('checkpoint');
    const target: DrainTarget = {
      source: servers.source.address(options.sourceDatabase),
      destination: servers.destination.address(options.destinationDatabase),
      slot,
      publication: options.publication,
      tables: options.tables,
      copy: options.copy,
      run: options.run,
    };
    const prepared = await options.peer.prepare(target);
    try {
      const result = await work({ prepared, source, destination });
      await assertEqual(target.source, target.destination, options.tables);
      return result;
    } catch (error) {
      throw new Error(`a run of ${options.peer.name} failed\n${prepared.log()}`, { cause: error });
    } finally {
      await prepared.stop();
    }
  } finally {
    await destination.end();
    await dropSlot(source, slot);
    await source.end();
    await servers.destination.dropDatabase(options.destinationDatabase);
  }
}

/** Drops a slot as soon as nobody reads it any more. */
export async function dropSlot(admin: pg.Client, slot: string): Promise<void> {
  for (let attempt = 0; attempt < 1_000; attempt += 1) {
    const { rows } = await admin.query<{ active: boolean }>(
      'select active from pg_replication_slots where slot_name = $1',
      [slot],
    );
    if (rows.length === 0) return;
    if (rows[0]?.active === false) {
      await admin.query('select pg_drop_replication_slot($1)', [slot]);
      return;
    }
    await pollPause();
  }
  throw new Error(`slot ${slot} stayed active`);
}

export function pollPause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
