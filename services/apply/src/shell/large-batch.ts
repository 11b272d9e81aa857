import { changeStreamName } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import type { Messaging } from '@bunnydb/messaging';
import { formatQualifiedName } from '@bunnydb/pg-model';
import type { LargeBatch } from '../core/batch-assembly.js';
import { type TableMessage, readMessage } from '../core/change-message.js';
import type { LargePiece } from '../core/large-piece.js';
import type { MessageSpan } from '../core/message-spans.js';
import { ChangeReader } from './change-reader.js';
import { readOverlapping } from './overlapping-rows.js';
import { StoredMessages } from './stored-messages.js';

/** Where a batch is read from again. */
export interface LargeSource {
  readonly messaging: Messaging;
  readonly mirrorId: string;
  readonly signal: AbortSignal;
}

/** Reads the rows of a batch from the stream again, in pieces of bounded size. */
export async function* readLargeBatch(
  batch: LargeBatch,
  from: LargeSource,
): AsyncGenerator<LargePiece> {
  const { head, streamSeq } = batch.commit;
  const reader = await ChangeReader.open({
    messaging: from.messaging,
    stream: changeStreamName(from.mirrorId),
    startSeq: head.firstSeq,
    signal: from.signal,
  });
  try {
    const overlaps = new Overlaps(
      batch.overlapping,
      new StoredMessages(from.messaging, from.mirrorId),
    );
    yield* cutPieces(messagesUpTo(reader, streamSeq, head.batch, from.signal), overlaps);
  } finally {
    await reader.close();
  }
}

async function* messagesUpTo(
  reader: ChangeReader,
  commitSeq: number,
  batch: string,
  signal: AbortSignal,
): AsyncGenerator<TableMessage, void, undefined> {
  for (;;) {
    const raw = await reader.next();
    if (!raw) throw signal.reason;
    if (raw.streamSeq >= commitSeq) return;
    const message = readMessage(raw);
    // A mark of the batch was heeded before its rows are read.
    if (message.kind === 'mark' && message.head.batch === batch) continue;
    if (message.kind !== 'table' || message.head.batch !== batch)
      throw new MirrorError(
        'stream_lost',
        'the change stream changed while a batch was read again',
      );
    yield message;
  }
}

/** Tables whose messages overlap: all of a segment is read at its first message, and the others are passed over. */
class Overlaps {
  readonly #tables: ReadonlyMap<string, readonly MessageSpan[]>;
  readonly #stored: StoredMessages;
  readonly #begun = new Set<string>();

  constructor(tables: ReadonlyMap<string, readonly MessageSpan[]>, stored: StoredMessages) {
    this.#tables = tables;
    this.#stored = stored;
  }

  /** What to read in place of this message; undefined when it is read as it comes. */
  replace({ head }: TableMessage): AsyncIterable<LargePiece> | undefined {
    const name = formatQualifiedName(head.table);
    const spans = this.#tables.get(name);
    if (!spans || head.truncate) return undefined;
    const key = `${head.segment} ${name}`;
    const isBegun = this.#begun.has(key);
    this.#begun.add(key);
    const own = isBegun ? [] : spans.filter((span) => span.segment === head.segment);
    return readOverlapping(own, this.#stored);
  }
}

/** Cuts between whole rows. */
async function* cutPieces(
  messages: AsyncGenerator<TableMessage, void, undefined>,
  overlaps: Overlaps,
): AsyncGenerator<LargePiece> {
  let held: TableMessage[] = [];
  let heldBytes = 0;
  let row: TableMessage[] = [];
  let rowBytes = 0;
  for (;;) {
    const next = await messages.next();
    if (next.done === true) break;
    const message = next.value;
    const replacement = overlaps.replace(message);
    if (replacement) {
      // What is held came before and may belong to an earlier segment.
      if (held.length > 0) yield { kind: 'rows', messages: held };
      held = [];
      heldBytes = 0;
      yield* replacement;
      continue;
    }
    row.push(message);
    rowBytes += message.payload.length;
    if (message.head.continues && rowBytes <= ROW_BYTES_MAX) continue;
    if (message.head.continues) {
      if (held.length > 0) yield { kind: 'rows', messages: held };
      held = [];
      heldBytes = 0;
      yield largeRow(row, messages);
    } else {
      held.push(...row);
      heldBytes += rowBytes;
    }
    row = [];
    rowBytes = 0;
    if (heldBytes < PIECE_BYTES) continue;
    yield { kind: 'rows', messages: held };
    held = [];
    heldBytes = 0;
  }
  if (held.length > 0) yield { kind: 'rows', messages: held };
}

function largeRow(
  begun: readonly TableMessage[],
  messages: AsyncGenerator<TableMessage, void, undefined>,
): LargePiece {
  const [first] = begun;
  if (!first || first.head.firstSeq !== first.head.lastSeq)
    throw new MirrorError('protocol_violation', 'a row that was cut does not begin its message');
  async function* rest(): AsyncGenerator<TableMessage> {
    yield* begun;
    for (;;) {
      const next = await messages.next();
      if (next.done === true)
        throw new MirrorError('protocol_violation', 'a row that was cut does not end');
      yield next.value;
      if (!next.value.head.continues) return;
    }
  }
  return { kind: 'row', first, messages: rest() };
}

const PIECE_BYTES = 4 * 1024 * 1024;
/** A row up to this size is put together; a larger one is passed through. */
const ROW_BYTES_MAX = 8 * 1024 * 1024;
