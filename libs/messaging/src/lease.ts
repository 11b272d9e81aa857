import { randomUUID } from 'node:crypto';
import { LEASE_BUCKET, type ServiceName } from '@bunnydb/contracts';
import type { KvEntry } from '@nats-io/kv';
import type { Messaging } from './messaging.js';
import { isWrongLastSequence, toMessagingError } from './nats-failure.js';

/** What stands in the bucket under `<service>.<mirror id>`. */
export interface LeaseRecord {
  readonly v: 1;
  readonly instance: string;
  /** Tells two processes of the same instance name apart. */
  readonly holder: string;
  readonly claimed_at: string;
  readonly renewed_at: string;
  readonly ttl_ms: number;
}

/** A lease in hand. `validUntilMs` is on the monotonic clock of this process (`performance.now()`). */
export interface Lease {
  readonly mirrorId: string;
  readonly revision: number;
  readonly claimedAt: string;
  readonly validUntilMs: number;
}

/** A lease counts as lost this much before the bucket lets it go, so that two holders never overlap by slow timers. */
const SAFETY_SHARE = 0.8;

interface Sighting {
  readonly revision: number;
  readonly seenAtMs: number;
}

/**
 * Leases on mirrors for one service in one process. Every write names the revision it replaces, so that of two who claim at the
 * same time one is refused. A lease ends by release, or because the bucket drops the entry when it was not renewed for the
 * TTL; if the bucket's TTL is longer than ours (another process set it), an entry whose revision stood still for our TTL
 * is taken over. Clocks of different machines are never compared.
 *
 * A lease is a hint that spares work. What protects the data is the slot and the epoch.
 */
export class LeaseBook {
  readonly #messaging: Messaging;
  readonly #service: ServiceName;
  readonly #instance: string;
  readonly #holder = randomUUID();
  readonly #sightings = new Map<string, Sighting>();

  constructor(messaging: Messaging, service: ServiceName, instance: string) {
    this.#messaging = messaging;
    this.#service = service;
    this.#instance = instance;
  }

  /** Tries to take the lease; undefined while somebody else holds it. @throws MirrorError `messaging_unavailable`. */
  async claim(mirrorId: string): Promise<Lease | undefined> {
    const claimedAt = new Date().toISOString();
    try {
      const bucket = await this.#messaging.bucket(LEASE_BUCKET);
      const entry = await bucket.get(this.#key(mirrorId));
      if (entry !== null && !this.#isFree(mirrorId, entry)) {
        return undefined;
      }
      // Revision 0 means "no such key"; a key that expired in between makes a revision wrong, and the next try gets it.
      return await this.#write(mirrorId, claimedAt, entry?.revision ?? 0);
    } catch (error) {
      if (isWrongLastSequence(error)) {
        return undefined;
      }
      throw toMessagingError(error, { bucket: LEASE_BUCKET, mirror: mirrorId });
    }
  }

  /** Extends the lease; undefined when somebody else has it or it has expired. @throws MirrorError `messaging_unavailable`. */
  async renew(lease: Lease): Promise<Lease | undefined> {
    try {
      return await this.#write(lease.mirrorId, lease.claimedAt, lease.revision);
    } catch (error) {
      if (isWrongLastSequence(error)) {
        return this.#findOwn(lease);
      }
      throw toMessagingError(error, { bucket: LEASE_BUCKET, mirror: lease.mirrorId });
    }
  }

  /** Gives the lease up so that another instance can claim it at once. Never throws: a lease that cannot be released expires. */
  async release(lease: Lease): Promise<void> {
    try {
      const bucket = await this.#messaging.bucket(LEASE_BUCKET);
      await bucket.delete(this.#key(lease.mirrorId), { previousSeq: lease.revision });
    } catch {
      this.#messaging.log.info({ mirror: lease.mirrorId }, 'a lease is left to expire');
    }
  }

  /** A renewal whose acknowledgement was lost has moved the revision itself: our own mark is still our lease. */
  async #findOwn(lease: Lease): Promise<Lease | undefined> {
    const readAtMs = performance.now();
    const bucket = await this.#messaging.bucket(LEASE_BUCKET);
    const entry = await bucket.get(this.#key(lease.mirrorId)).catch(() => null);
    if (
      entry === null ||
      recordOf(entry)?.holder !== this.#holder ||
      readAtMs > lease.validUntilMs
    ) {
      return undefined;
    }
    return this.#write(lease.mirrorId, lease.claimedAt, entry.revision).catch(() => undefined);
  }

  async #write(mirrorId: string, claimedAt: string, revision: number): Promise<Lease> {
    const ttlMs = this.#messaging.settings.leaseTtlMs;
    // Measured before the write: the server counts the TTL from a later moment, so ours ends first.
    const writtenAtMs = performance.now();
    const record: LeaseRecord = {
      v: 1,
      instance: this.#instance,
      holder: this.#holder,
      claimed_at: claimedAt,
      renewed_at: new Date().toISOString(),
      ttl_ms: ttlMs,
    };
    const bucket = await this.#messaging.bucket(LEASE_BUCKET);
    const newRevision = await bucket.put(this.#key(mirrorId), JSON.stringify(record), {
      previousSeq: revision,
      // Short, so that a write into a connection that breaks leaves time for another try.
      timeout: ttlMs / 4,
    });
    this.#sightings.delete(mirrorId);
    return {
      mirrorId,
      claimedAt,
      revision: newRevision,
      validUntilMs: writtenAtMs + ttlMs * SAFETY_SHARE,
    };
  }

  #isFree(mirrorId: string, entry: KvEntry): boolean {
    const record = recordOf(entry);
    if (record === undefined || record.holder === this.#holder) {
      return true;
    }
    const nowMs = performance.now();
    const sighting = this.#sightings.get(mirrorId);
    if (sighting?.revision !== entry.revision) {
      this.#sightings.set(mirrorId, { revision: entry.revision, seenAtMs: nowMs });
      return false;
    }
    return nowMs - sighting.seenAtMs > Math.max(record.ttl_ms, this.#messaging.settings.leaseTtlMs);
  }

  #key(mirrorId: string): string {
    return `${this.#service}.${mirrorId}`;
  }
}

function recordOf(entry: KvEntry): LeaseRecord | undefined {
  if (entry.operation !== 'PUT') {
    return undefined;
  }
  try {
    const record = entry.json<Partial<LeaseRecord>>();
    const known = typeof record.holder === 'string' && typeof record.ttl_ms === 'number';
    return known ? (record as LeaseRecord) : undefined;
  } catch {
    return undefined;
  }
}
