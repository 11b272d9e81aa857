import type { TableMessage } from '../core/change-message.js';
import type { LargePiece } from '../core/large-piece.js';
import { type MessageSpan, interleave } from '../core/message-spans.js';
import { endOfRowsUpTo } from '../core/row-columns.js';
import { withRows } from '../core/work-step.js';
import type { StoredMessages } from './stored-messages.js';

/** Reads the rows of one table and segment in the order of their changes, although its messages overlap; few messages are held at a time. */
export async function* readOverlapping(
  spans: readonly MessageSpan[],
  stored: StoredMessages,
): AsyncGenerator<LargePiece> {
  /** The messages under way, and how far their rows have been taken. */
  const held = new Map<MessageSpan, { readonly message: TableMessage; at: number }>();
  for (const window of interleave(spans)) {
    for (const span of held.keys()) if (span.lastSeq < window.firstSeq) held.delete(span);
    const messages: TableMessage[] = [];
    for (const span of window.spans) {
      if (span.messages > 1) {
        yield* readRow(span, stored);
        continue;
      }
      const reading = held.get(span) ?? { message: await stored.getRows(span.streamSeq), at: 0 };
      held.set(span, reading);
      const { payload } = reading.message;
      const end = endOfRowsUpTo(payload, reading.at, window.lastSeq);
      if (end > reading.at)
        messages.push(withRows(reading.message, payload.subarray(reading.at, end)));
      reading.at = end;
    }
    if (messages.length > 0) yield { kind: 'rows', messages };
  }
}

/** A row that was cut: a window of its own, since its `seq` is one. */
async function* readRow(span: MessageSpan, stored: StoredMessages): AsyncGenerator<LargePiece> {
  const first = await stored.getRows(span.streamSeq);
  async function* messages(): AsyncGenerator<TableMessage> {
    yield first;
    for (let index = 1; index < span.messages; index++)
      yield await stored.getRows(span.streamSeq + index);
  }
  yield { kind: 'row', first, messages: messages() };
}
