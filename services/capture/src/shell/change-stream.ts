import { type MirrorSpec, changeStreamName, changeSubjects } from '@bunnydb/contracts';
import { type Messaging, isMissingResource, toMessagingError } from '@bunnydb/messaging';
import {
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { type RebuildNote, formatRebuildNote, parseRebuildNote } from '../core/rebuild-note.js';
import type { StreamFacts } from '../core/start-position.js';
import { findLastCommit } from './last-commit.js';

/** Creates the mirror's change stream if it is not there; brings its limit in line with the spec if it is. */
export async function ensureChangeStream(messaging: Messaging, spec: MirrorSpec): Promise<void> {
  const { jsm } = messaging;
  const name = changeStreamName(spec.id);
  try {
    const info = await jsm.streams.info(name);
    if (info.config.max_bytes === spec.options.stream_max_bytes) return;
    if (info.state.bytes > spec.options.stream_max_bytes) return;
    await jsm.streams.update(name, { max_bytes: spec.options.stream_max_bytes });
  } catch (error) {
    if (!isMissingResource(error)) throw toMessagingError(error, { stream: name });
    await createChangeStream(messaging, spec);
  }
}

/** What the change stream says of the rebuild that it was made for; null if it says nothing, or is not there. */
export async function readRebuildNote(
  messaging: Messaging,
  mirrorId: string,
): Promise<RebuildNote | null> {
  const info = await findStream(messaging, changeStreamName(mirrorId));
  return parseRebuildNote(info?.config.metadata);
}

/** Keeps what has become of the rebuild. */
export async function writeRebuildNote(
  messaging: Messaging,
  mirrorId: string,
  note: RebuildNote,
): Promise<void> {
  const name = changeStreamName(mirrorId);
  try {
    const { config } = await messaging.jsm.streams.info(name);
    const metadata = { ...config.metadata, ...formatRebuildNote(note) };
    await messaging.jsm.streams.update(name, { metadata });
  } catch (error) {
    throw toMessagingError(error, { stream: name });
  }
}

/**
 * Puts an empty stream in the place of the mirror's change stream. Its sequence goes on far behind that of the former one: a reader of before that is
 * still about expects a last sequence that this stream never had, so nothing of what it read gets in.
 */
export async function renewChangeStream(
  messaging: Messaging,
  spec: MirrorSpec,
  note: RebuildNote,
): Promise<void> {
  const info = await findStream(messaging, changeStreamName(spec.id));
  await deleteChangeStream(messaging, spec.id);
  await createChangeStream(messaging, spec, {
    metadata: formatRebuildNote(note),
    ...(info ? { first_seq: info.state.last_seq + SEQUENCE_GAP } : {}),
  });
}

async function findStream(messaging: Messaging, name: string): Promise<StreamInfo | null> {
  try {
    return await messaging.jsm.streams.info(name);
  } catch (error) {
    if (isMissingResource(error)) return null;
    throw toMessagingError(error, { stream: name });
  }
}

async function createChangeStream(
  messaging: Messaging,
  spec: MirrorSpec,
  more: Pick<Partial<StreamConfig>, 'metadata' | 'first_seq'> = {},
): Promise<void> {
  const name = changeStreamName(spec.id);
  try {
    await messaging.jsm.streams.add({
      ...more,
      name,
      subjects: [changeSubjects(spec.name)],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      max_bytes: spec.options.stream_max_bytes,
      max_msg_size: messaging.nc.info?.max_payload ?? -1,
      // Ids are unique for ever and the expected sequence fences: the server need not remember ids for long.
      duplicate_window: DUPLICATE_WINDOW_NS,
      num_replicas: messaging.settings.replicas,
      allow_direct: true,
    });
  } catch (error) {
    throw toMessagingError(error, { stream: name });
  }
}

/** Removes the change stream; one that is not there is removed already. */
export async function deleteChangeStream(messaging: Messaging, mirrorId: string): Promise<void> {
  const name = changeStreamName(mirrorId);
  try {
    await messaging.jsm.streams.delete(name);
  } catch (error) {
    if (!isMissingResource(error)) throw toMessagingError(error, { stream: name });
  }
}

/**
 * Reads where the change stream ends. The sequence is read before the commit message: a reader that still writes in between
 * makes our first publish be refused, never a batch be overlooked.
 */
export async function readStreamFacts(
  messaging: Messaging,
  spec: MirrorSpec,
): Promise<StreamFacts> {
  const name = changeStreamName(spec.id);
  try {
    const { state } = await messaging.jsm.streams.info(name);
    const firstSequence = Math.max(1, state.first_seq);
    const place = { name, mirrorId: spec.id, mirrorName: spec.name, firstSequence };
    return {
      lastSequence: state.last_seq,
      bytes: state.bytes,
      lastCommit: await findLastCommit(messaging, place),
    };
  } catch (error) {
    throw toMessagingError(error, { stream: name });
  }
}

const DUPLICATE_WINDOW_NS = 10_000_000_000;
/** More than a reader can have in flight. */
const SEQUENCE_GAP = 1_000_000;
