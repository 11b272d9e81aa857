import { type QualifiedName, formatQualifiedName } from '@bunnydb/pg-model';
import type { TableMessage } from './change-message.js';

/** Where a message's rows stand in the stream and in the batch. A row that was cut is one span over several messages. */
export interface MessageSpan {
  readonly streamSeq: number;
  messages: number;
  readonly segment: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/** A stretch of a table's changes, and the spans that have rows in it. */
export interface SeqWindow {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly spans: readonly MessageSpan[];
}

/**
 * Notes the messages of a batch as they pass, to find tables whose messages *overlap*: rows with and without an old key go to different
 * messages that fill at their own pace, so that a later message may hold earlier changes. In memory that is no matter, since rows are
 * ordered by `seq`; a batch that is read again piece by piece has to read such tables in the order of their changes.
 */
export class MessageSpans {
  readonly #tables = new Map<
    string,
    {
      readonly table: QualifiedName;
      readonly spans: MessageSpan[];
      lastSeq: number;
      overlaps: boolean;
    }
  >();
  #isInRow = false;

  add(message: TableMessage): void {
    const { head, streamSeq } = message;
    const name = formatQualifiedName(head.table);
    const table = this.#tables.get(name) ?? {
      table: head.table,
      spans: [],
      lastSeq: 0,
      overlaps: false,
    };
    this.#tables.set(name, table);
    const before = table.spans.at(-1);
    if (this.#isInRow && before) {
      before.messages += 1;
    } else {
      const { segment, firstSeq, lastSeq } = head;
      table.spans.push({ streamSeq, messages: 1, segment, firstSeq, lastSeq });
      table.overlaps ||= firstSeq < table.lastSeq;
      table.lastSeq = Math.max(table.lastSeq, lastSeq);
    }
    this.#isInRow = head.continues;
  }

  /** The tables that messages have passed of. */
  get tables(): readonly QualifiedName[] {
    return [...this.#tables.values()].map(({ table }) => table);
  }

  /** The spans of the tables that overlap, by table name. */
  get overlapping(): ReadonlyMap<string, readonly MessageSpan[]> {
    return new Map(
      [...this.#tables].flatMap(([name, table]) => (table.overlaps ? [[name, table.spans]] : [])),
    );
  }
}

/**
 * Cuts the changes of a table's segment into stretches in order, such that each stretch has rows of as few messages as can be: one a
 * layout.
 */
export function interleave(spans: readonly MessageSpan[]): readonly SeqWindow[] {
  const starts = new Set<number>();
  for (const span of spans) starts.add(span.firstSeq).add(span.lastSeq + 1);
  const borders = [...starts].sort((a, b) => a - b);
  const windows: SeqWindow[] = [];
  // Spans that have not ended before the window, in the order in which they begin.
  const waiting = [...spans].sort((a, b) => a.firstSeq - b.firstSeq);
  let open: MessageSpan[] = [];
  borders.slice(0, -1).forEach((firstSeq, index) => {
    const lastSeq = (borders[index + 1] ?? firstSeq + 1) - 1;
    open = open.filter((span) => span.lastSeq >= firstSeq);
    while (waiting[0] && waiting[0].firstSeq <= firstSeq) {
      const span = waiting.shift();
      if (span) open.push(span);
    }
    if (open.length > 0) windows.push({ firstSeq, lastSeq, spans: [...open] });
  });
  return windows;
}
