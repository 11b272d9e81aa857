import { SPEC_BUCKET, type MirrorSpec, isOfNewerVersion } from '@bunnydb/contracts';
import type { KvEntry } from '@nats-io/kv';
import { ensureControlStreams } from './control-streams.js';
import type { Messaging } from './messaging.js';
import {
  isMissingResource,
  isUnanswered,
  isWrongLastSequence,
  toMessagingError,
} from './nats-failure.js';

/**
 * Writes the desired state of a mirror. The bucket is made again if it is gone. With `over`, only if nobody has written since that was
 * read: a process that slept meanwhile must not put an older state back.
 *
 * @returns false when somebody has written.
 * @throws MirrorError `messaging_unavailable`.
 */
export async function putSpec(
  messaging: Messaging,
  spec: MirrorSpec,
  over?: StoredSpec,
): Promise<boolean> {
  return withBucket(messaging, spec.id, async () => {
    const bucket = await messaging.bucket(SPEC_BUCKET);
    return unlessOvertaken(() => bucket.put(spec.id, JSON.stringify(spec), previousOf(over)));
  });
}

/** Removes the desired state: every session of the mirror ends. A marker stays, so that the removal is told from a loss. */
export async function deleteSpec(
  messaging: Messaging,
  mirrorId: string,
  over?: StoredSpec,
): Promise<boolean> {
  return withBucket(messaging, mirrorId, async () => {
    const bucket = await messaging.bucket(SPEC_BUCKET);
    return unlessOvertaken(() => bucket.delete(mirrorId, previousOf(over)));
  });
}

/** What stands in the bucket, and which writing it is of that key. */
export interface StoredSpec {
  readonly spec: MirrorSpec | undefined;
  /** 0: nothing was ever written. */
  readonly revision: number;
}

/** The desired state with its revision, for who writes it after a look elsewhere. */
export async function readSpec(messaging: Messaging, mirrorId: string): Promise<StoredSpec> {
  return withBucket(messaging, mirrorId, async () => {
    const bucket = await messaging.bucket(SPEC_BUCKET);
    const entry = await bucket.get(mirrorId);
    return entry === null
      ? { spec: undefined, revision: 0 }
      : { spec: parseSpecEntry(entry), revision: entry.revision };
  });
}

async function unlessOvertaken(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (isWrongLastSequence(error)) return false;
    throw error;
  }
}

function previousOf(over: StoredSpec | undefined): { readonly previousSeq?: number } {
  return over === undefined ? {} : { previousSeq: over.revision };
}

/** The desired state as it is stored now; undefined when there is none. */
export async function getSpec(
  messaging: Messaging,
  mirrorId: string,
): Promise<MirrorSpec | undefined> {
  return (await readSpec(messaging, mirrorId)).spec;
}

/**
 * The spec of an entry; undefined for a removed or unreadable one. One of a newer version is unreadable, so that the session ends and its lease
 * goes to who can read it.
 */
export function parseSpecEntry(entry: KvEntry): MirrorSpec | undefined {
  if (entry.operation !== 'PUT') {
    return undefined;
  }
  try {
    const spec = entry.json<Partial<MirrorSpec>>();
    const known = typeof spec.generation === 'number' && typeof spec.desired === 'string';
    const isReadable = known && spec.id === entry.key && !isOfNewerVersion(spec);
    return isReadable ? (spec as MirrorSpec) : undefined;
  } catch {
    return undefined;
  }
}

async function withBucket<Result>(
  messaging: Messaging,
  mirrorId: string,
  use: () => Promise<Result>,
): Promise<Result> {
  try {
    return await use().catch(async (error: unknown) => {
      // A bucket that is gone shows as missing to a reader and as "nobody answers" to a writer.
      if (isMissingResource(error) || isUnanswered(error)) {
        await ensureControlStreams(messaging, { deadlineMs: 0 });
        return use();
      }
      throw error;
    });
  } catch (error) {
    throw toMessagingError(error, { bucket: SPEC_BUCKET, mirror: mirrorId });
  }
}
