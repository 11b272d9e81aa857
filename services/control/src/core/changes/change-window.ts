import type { CommitMessageHead, TableMessageHead, TransactionMark } from '@bunnydb/change-stream';
import { type NumberedChange, type RowChange, readRow } from './row-change.js';

/** What came since the window was looked at last. */
export interface SeenChanges {
  /** In the order of the source. */
  readonly changes: readonly RowChange[];
  /** Changes that came before these and are not here, because more came than anybody reads. */
  readonly leftOut: number;
  /** Stream sequence behind which to go on. */
  readonly reached: number;
}

interface SplitRow {
  readonly pieces: Uint8Array[];
  bytes: number;
  isWhole: boolean;
}

/**
 * The latest changes of one table, as its messages and the commit messages of its mirror come. A batch counts when it is committed; of more
 * changes than the window holds the oldest are left out and counted. What it keeps is bounded, whatever comes.
 */
export class ChangeWindow {
  readonly #table: string;
  readonly #rowsMax: number;
  #batch = '';
  #pending: NumberedChange[] = [];
  #pendingLeftOut = 0;
  #split: SplitRow | undefined;
  #ready: RowChange[] = [];
  #leftOut = 0;
  #reached = 0;
  #isNew = false;

  constructor(table: string, rowsMax: number) {
    this.#table = table;
    this.#rowsMax = rowsMax;
  }

  /** @throws MirrorError `protocol_violation` when a row is malformed. */
  handleTable(head: TableMessageHead, payload: Uint8Array): void {
    // What a reader that died has left of a batch is never committed.
    if (head.batch !== this.#batch) this.#startBatch(head.batch);
    if (head.truncate) {
      this.#keep({ seq: head.firstSeq, change: TRUNCATED });
      return;
    }
    let rest = payload;
    if (this.#split) {
      const end = payload.indexOf(NEWLINE);
      addPiece(this.#split, end < 0 ? payload : payload.subarray(0, end));
      if (end < 0) return;
      this.#keep(readRow(head, joined(this.#split), this.#split.isWhole));
      this.#split = undefined;
      rest = payload.subarray(end + 1);
    } else if (head.firstSeq === 0) {
      // The end of a row whose beginning came before we listened.
      return;
    }
    const wholeEnd = head.continues ? rest.lastIndexOf(NEWLINE) + 1 : rest.length;
    this.#keepLatest(head, rest.subarray(0, wholeEnd));
    if (!head.continues) return;
    this.#split = { pieces: [], bytes: 0, isWhole: true };
    addPiece(this.#split, rest.subarray(wholeEnd));
  }

  handleCommit(
    head: Pick<CommitMessageHead, 'batch'>,
    transactions: readonly TransactionMark[],
    streamSeq: number,
  ): void {
    if (head.batch === this.#batch) {
      this.#release(({ seq }) => {
        const own = transactions.find(({ lastSeq }) => seq <= lastSeq);
        return own?.commitTime ?? transactions.at(-1)?.commitTime ?? '';
      });
    }
    this.#startBatch('');
    this.startBehind(streamSeq);
  }

  /** Takes what was handed over for committed, at a time that is told: for a message whose commit message is not read. */
  commitAt(time: string): void {
    this.#release(() => time);
    this.#startBatch('');
  }

  /** Where the stream was read up to. */
  startBehind(streamSeq: number): void {
    this.#reached = streamSeq;
    this.#isNew = true;
  }

  /** What came since the last time; undefined if that is nothing. */
  take(): SeenChanges | undefined {
    if (!this.#isNew) return undefined;
    const seen = { changes: this.#ready, leftOut: this.#leftOut, reached: this.#reached };
    this.#ready = [];
    this.#leftOut = 0;
    this.#isNew = false;
    return seen;
  }

  /** Only as many rows from the end as the window holds are read at all. */
  #keepLatest(head: TableMessageHead, lines: Uint8Array): void {
    const starts: number[] = [];
    let end = lines.length;
    while (end > 0 && starts.length < this.#rowsMax) {
      end = end < 2 ? 0 : lines.lastIndexOf(NEWLINE, end - 2) + 1;
      starts.push(end);
    }
    const started = head.ops.inserts + head.ops.updates + head.ops.deletes;
    this.#pendingLeftOut += Math.max(0, started - starts.length - (head.continues ? 1 : 0));
    for (const start of starts.toReversed()) {
      this.#keep(readRow(head, lines.subarray(start, lines.indexOf(NEWLINE, start))));
    }
  }

  #keep(change: NumberedChange): void {
    this.#pending.push(change);
    // Now and then many at once, rather than one each time.
    if (this.#pending.length < 2 * this.#rowsMax) return;
    this.#pendingLeftOut += this.#rowsMax;
    this.#pending = this.#pending.slice(-this.#rowsMax);
  }

  #release(timeOf: (change: NumberedChange) => string): void {
    // Updates that tell the old key come in messages of their own; the number tells the order.
    const ordered = this.#pending.toSorted((left, right) => left.seq - right.seq);
    const all = [
      ...this.#ready,
      ...ordered.map((numbered) => ({
        at: timeOf(numbered),
        table: this.#table,
        ...numbered.change,
      })),
    ];
    this.#ready = all.slice(-this.#rowsMax);
    this.#leftOut += this.#pendingLeftOut + all.length - this.#ready.length;
    this.#isNew = true;
  }

  #startBatch(batch: string): void {
    this.#batch = batch;
    this.#pending = [];
    this.#pendingLeftOut = 0;
    this.#split = undefined;
  }
}

function addPiece(row: SplitRow, piece: Uint8Array): void {
  const kept = piece.subarray(0, SPLIT_BYTES_MAX - row.bytes);
  // A copy, since the piece keeps its whole message in memory.
  row.pieces.push(kept.slice());
  row.bytes += kept.length;
  if (kept.length < piece.length) row.isWhole = false;
}

function joined({ pieces, bytes }: SplitRow): Uint8Array {
  const line = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    line.set(piece, at);
    at += piece.length;
  }
  return line;
}

const TRUNCATED: NumberedChange['change'] = {
  operation: 'truncate',
  columns: [],
  row: {},
  old: null,
  unchanged: [],
  cut: [],
};
const NEWLINE = 10;
/** What is kept of a row that spans several messages. */
const SPLIT_BYTES_MAX = 256 * 1024;
