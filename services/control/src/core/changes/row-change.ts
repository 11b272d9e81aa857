import { MirrorError } from '@bunnydb/failure';
import type { TableMessageHead } from '@bunnydb/change-stream';
import { unescapeCopyValue } from '@bunnydb/pg-model';

/** Column names with their values as text, null for NULL; a column that was not sent has no entry. */
export type RowValues = Readonly<Record<string, string | null>>;

/** A change as people see it. */
export interface RowChange {
  /** When its transaction committed. */
  readonly at: string;
  readonly table: string;
  readonly operation: 'insert' | 'update' | 'delete' | 'truncate';
  /** Every column that the table's changes carry, in order. */
  readonly columns: readonly string[];
  /** The new row; of a delete the old one, as far as the source tells it. */
  readonly row: RowValues;
  /** What an update tells of the row before it; null where it tells nothing. */
  readonly old: RowValues | null;
  /** Columns whose value is as it was, and too large for the source to say it again. */
  readonly unchanged: readonly string[];
  /** Columns whose value is longer than what is here. */
  readonly cut: readonly string[];
}

/** A change whose transaction has not committed yet; `seq` is its number in the batch. */
export interface NumberedChange {
  readonly seq: number;
  readonly change: Omit<RowChange, 'at' | 'table'>;
}

/**
 * Reads a row of a table message.
 *
 * @param line the row without its newline
 * @param isWhole false if its end is missing, because the row is larger than what is kept
 * @throws MirrorError `protocol_violation` when the row has another shape than its headers say.
 */
export function readRow(head: TableMessageHead, line: Uint8Array, isWhole = true): NumberedChange {
  const fields = new Fields(line, isWhole);
  const operation = OPERATIONS[fields.text()];
  const seq = Number(fields.text());
  if (operation === undefined || !Number.isSafeInteger(seq)) throw malformedRow();
  const unchanged = namesAt(head.columns, fields.text());
  const isSent = sentColumns(head, operation, unchanged);
  const cut = new Set<string>();
  const row = fields.values(head.columns, cut);
  const old = operation === 'update' && head.old.length > 0 ? fields.values(head.old, cut) : null;
  return {
    seq,
    change: {
      operation,
      columns: head.columns,
      row: Object.fromEntries(row.filter(([column]) => isSent(column))),
      old: old && Object.fromEntries(old),
      unchanged,
      cut: [...cut],
    },
  };
}

/** A delete tells the key only, unless the replica identity is the whole row; the other columns hold NULL without meaning it. */
function sentColumns(
  head: TableMessageHead,
  operation: RowChange['operation'],
  unchanged: readonly string[],
): (column: string) => boolean {
  if (operation === 'delete' && head.identity !== 'f') {
    const key = new Set(head.key);
    return (column) => key.has(column);
  }
  const left = new Set(unchanged);
  return (column) => !left.has(column);
}

/** The columns at positions counted from 1, comma separated. */
function namesAt(columns: readonly string[], positions: string): string[] {
  if (positions === '\\N') return [];
  return positions.split(',').flatMap((position) => columns[Number(position) - 1] ?? []);
}

/** Takes one field of a row after another, and of each value no more than is shown. */
class Fields {
  readonly #line: Uint8Array;
  readonly #isWhole: boolean;
  #at = 0;
  #roomBytes = ROW_BYTES_MAX;

  constructor(line: Uint8Array, isWhole: boolean) {
    this.#line = line;
    this.#isWhole = isWhole;
  }

  text(): string {
    return decode(this.#next() ?? NOTHING);
  }

  values(columns: readonly string[], cut: Set<string>): [string, string | null][] {
    return columns.flatMap((column) => {
      const field = this.#next();
      if (field === undefined) {
        if (this.#isWhole) throw malformedRow();
        cut.add(column);
        return [];
      }
      const shown = field.subarray(0, Math.min(VALUE_BYTES_MAX, this.#roomBytes));
      this.#roomBytes -= shown.length;
      const isLast = this.#at > this.#line.length;
      const isCut = shown.length < field.length || (isLast && !this.#isWhole);
      if (!isCut) return [[column, unescapeCopyValue(decode(field))]];
      cut.add(column);
      return [[column, unescapeCopyValue(withoutHalfAnEscape(decode(shown)))]];
    });
  }

  /** Undefined behind the last one. */
  #next(): Uint8Array | undefined {
    if (this.#at > this.#line.length) return undefined;
    const tab = this.#line.indexOf(TAB, this.#at);
    const end = tab < 0 ? this.#line.length : tab;
    const field = this.#line.subarray(this.#at, end);
    this.#at = end + 1;
    return field;
  }
}

/** As a stream, so that half a character at the end of what was cut off is left out. */
function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes, { stream: true });
}

function withoutHalfAnEscape(text: string): string {
  const [backslashes = ''] = /\\*$/.exec(text) ?? [];
  return backslashes.length % 2 === 0 ? text : text.slice(0, -1);
}

function malformedRow(): MirrorError {
  return new MirrorError('protocol_violation', 'a row of the change stream is malformed');
}

const OPERATIONS: Readonly<Record<string, RowChange['operation']>> = {
  I: 'insert',
  U: 'update',
  D: 'delete',
};
const TAB = 9;
const NOTHING = new Uint8Array();
/** What is shown of one value, and of all values of a row. */
const VALUE_BYTES_MAX = 2_000;
const ROW_BYTES_MAX = 32 * 1024;
