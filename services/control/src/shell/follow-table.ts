import { setTimeout as sleep } from 'node:timers/promises';
import {
  Header,
  decodeCommitHead,
  decodeTableHead,
  decodeTransactions,
} from '@bunnydb/change-stream';
import { changeStreamName, commitSubject, tableSubject } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import { type Messaging, isMissingResource, toMessagingError } from '@bunnydb/messaging';
import type { QualifiedName } from '@bunnydb/pg-model';
import { DeliverPolicy, type JsMsg } from '@nats-io/jetstream';
import type { ChangeWindow } from '../core/changes/change-window.js';

export interface FollowOptions {
  readonly messaging: Messaging;
  readonly mirror: { readonly id: string; readonly name: string };
  readonly table: QualifiedName;
  readonly window: ChangeWindow;
  /** Stream sequence behind which to go on; without it what comes from now on. */
  readonly after?: number;
  /** Whether to begin with the latest message that there is. */
  readonly withLatest: boolean;
  /** Called when the window may have something new. */
  readonly onNews: () => void;
  readonly signal: AbortSignal;
}

/**
 * Reads the changes of one table from the mirror's change stream into a window, until the signal aborts. A consumer that leaves no trace is pulled
 * at our pace. While there is no stream (the mirror is being set up, or the stream was lost) it waits for one.
 */
export async function followTable(options: FollowOptions): Promise<void> {
  const { messaging, mirror, signal } = options;
  let isFirst = true;
  let isTold = false;
  while (!signal.aborted) {
    try {
      await followOnce(options, isFirst);
      isFirst = false;
    } catch (error) {
      if (signal.aborted) return;
      if (!isTold && !isMissingResource(error)) {
        isTold = true;
        const { kind } = toMessagingError(error);
        messaging.log.warn({ mirror: mirror.id, kind }, 'following a table was interrupted');
      }
    }
    await sleep(AGAIN_AFTER_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function followOnce(options: FollowOptions, isFirst: boolean): Promise<void> {
  const { messaging, mirror, table, window, signal } = options;
  const stream = changeStreamName(mirror.id);
  const subject = tableSubject(mirror.name, table.schema, table.table);
  const { last_seq: last } = (await messaging.jsm.streams.info(stream)).state;
  // A stream that was made anew begins to count anew.
  const goesOn = isFirst && options.after !== undefined && options.after <= last;
  const after = goesOn ? (options.after ?? last) : last;
  if (isFirst && !goesOn && options.withLatest) await showLatest(options, stream, subject, last);
  window.startBehind(after);
  options.onNews();
  const consumer = await messaging.js.consumers.get(stream, {
    filter_subjects: [subject, commitSubject(mirror.name)],
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: after + 1,
    inactive_threshold: INACTIVE_MS,
  });
  const messages = await consumer.consume({
    max_bytes: pullBytes(messaging),
    abort_on_missing_resource: true,
  });
  const stop = (): void => messages.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (signal.aborted) return;
    for await (const message of messages) take(message, window, options.onNews);
  } finally {
    signal.removeEventListener('abort', stop);
    messages.stop();
    // It would end by itself, a little later.
    if (messaging.connected) await consumer.delete().catch(() => undefined);
  }
}

/** A message that we cannot read is not for us: whoever reaches the server can publish on the subject. */
function take(message: JsMsg, window: ChangeWindow, onNews: () => void): void {
  const { headers } = message;
  if (!headers || headers.get(Header.Batch) === '') return;
  try {
    if (!message.subject.endsWith('._commit')) {
      window.handleTable(decodeTableHead(headers), message.data);
      return;
    }
    const transactions = decodeTransactions(new TextDecoder().decode(message.data));
    window.handleCommit(decodeCommitHead(headers), transactions, message.seq);
    onNews();
  } catch (error) {
    if (!(error instanceof MirrorError)) throw error;
  }
}

/** The rows of the latest message, at its own time: its commit message may be far behind it. */
async function showLatest(
  { messaging, window }: FollowOptions,
  stream: string,
  subject: string,
  last: number,
): Promise<void> {
  const message = await messaging.jsm.streams.getMessage(stream, { last_by_subj: subject });
  // A later one comes by itself.
  if (!message || message.seq > last || message.header.get(Header.Batch) === '') return;
  try {
    window.handleTable(decodeTableHead(message.header), message.data);
    window.commitAt(message.time.toISOString());
  } catch (error) {
    if (!(error instanceof MirrorError)) throw error;
  }
}

/** At least one message of any size fits. */
function pullBytes(messaging: Messaging): number {
  return Math.max(PULL_BYTES, (messaging.nc.info?.max_payload ?? 0) + HEADER_BYTES);
}

const AGAIN_AFTER_MS = 1_000;
const INACTIVE_MS = 30_000;
const PULL_BYTES = 4 * 1024 * 1024;
const HEADER_BYTES = 64 * 1024;
