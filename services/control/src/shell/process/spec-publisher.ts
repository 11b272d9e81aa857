import type { Kysely } from 'kysely';
import { isDeepStrictEqual } from 'node:util';
import { type MirrorSpec, SPEC_BUCKET } from '@bunnydb/contracts';
import { type Messaging, deleteSpec, putSpec, readSpec } from '@bunnydb/messaging';
import { type MirrorPeers, desiredSpecOf } from '../../core/mirror/mirror-spec-of.js';
import type { CatalogTables } from '../catalog/catalog-tables.js';
import { type MirrorRow, readMirrorById } from '../catalog/read-mirrors.js';
import { readPeer } from '../catalog/read-peers.js';

/**
 * Keeps the bucket of specs as the catalog wants it. What is written is read from the catalog at that moment, one mirror after
 * another, so that neither a repeated message nor a reconciliation under way can put an older spec back.
 */
export class SpecPublisher {
  readonly #catalog: Kysely<CatalogTables>;
  readonly #messaging: Messaging;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(catalog: Kysely<CatalogTables>, messaging: Messaging) {
    this.#catalog = catalog;
    this.#messaging = messaging;
  }

  /** Writes or removes one mirror's spec, if it is not as it should be. @returns whether it had to. */
  async publish(mirrorId: string): Promise<boolean> {
    const mine = this.#turn.then(() => this.#publishNow(mirrorId));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** Looks at every mirror and every spec. @returns the ids of those that were not as they should be. */
  async reconcile(): Promise<readonly string[]> {
    const rows = await this.#catalog.selectFrom('mirrors').select('mirror_id').execute();
    const mended: string[] = [];
    const ids = new Set([...rows.map((row) => row.mirror_id), ...(await this.#specKeys())]);
    for (const mirrorId of ids) {
      if (await this.publish(mirrorId)) mended.push(mirrorId);
    }
    return mended;
  }

  async #publishNow(mirrorId: string): Promise<boolean> {
    // Read before the catalog: whoever writes the bucket from here on makes ours be refused, so that a process that was stopped in the middle, or
    // another one of control, cannot put an older state over a newer.
    const stored = await readSpec(this.#messaging, mirrorId);
    const row = await readMirrorById(this.#catalog, mirrorId);
    const wanted = row ? desiredSpecOf(row.state, await readMirrorPeers(this.#catalog, row)) : null;
    const present = stored.spec;
    if (wanted === null) {
      if (present === undefined) return false;
      return (await deleteSpec(this.#messaging, mirrorId, stored)) || this.#publishNow(mirrorId);
    }
    if (present !== undefined && isSameSpec(wanted, present)) return false;
    return (await putSpec(this.#messaging, wanted, stored)) || this.#publishNow(mirrorId);
  }

  async #specKeys(): Promise<readonly string[]> {
    const bucket = await this.#messaging.bucket(SPEC_BUCKET);
    const keys: string[] = [];
    for await (const key of await bucket.keys()) keys.push(key);
    return keys;
  }
}

/** Both ends of a mirror as the catalog has them now. */
export async function readMirrorPeers(
  catalog: Kysely<CatalogTables>,
  row: MirrorRow,
): Promise<MirrorPeers> {
  const source = await readPeer(catalog, row.source_peer);
  const destination = await readPeer(catalog, row.destination_peer);
  if (!source || !destination) throw new Error('a mirror names a peer that the catalog lacks');
  return { source: source.connection, destination: destination.connection };
}

/** Compares as JSON: a member that is undefined is no member. */
function isSameSpec(a: MirrorSpec, b: MirrorSpec): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)));
}
