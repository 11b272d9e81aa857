import type { TransactionMark } from '@bunnydb/change-stream';
import { type Lsn, type QualifiedName, formatQualifiedName, maxLsn } from '@bunnydb/pg-model';
import type { TableMessage } from './change-message.js';
import { OP_DELETE, OP_INSERT, rowEnd } from './copy-line.js';
import { joinBytes } from './join-bytes.js';
import { rowsAfter } from './row-columns.js';
import type { RowsPart } from './row-list.js';
import { layoutId, type RowLayout } from './table-plan.js';

/** The rows of one message, with what its headers say. */
export interface StepPart extends RowsPart {
  readonly layout: RowLayout;
  readonly inserts: number;
  readonly updates: number;
  readonly deletes: number;
}

/** Rows of one table that can be written in any order of tables. */
export interface RowsStep {
  readonly kind: 'rows';
  readonly table: QualifiedName;
  readonly parts: readonly StepPart[];
}

export interface TruncateStep {
  readonly kind: 'truncate';
  readonly tables: readonly QualifiedName[];
  readonly restartIdentity: boolean;
}

/** What a destination transaction does, one step after the other. */
export type WorkStep = RowsStep | TruncateStep;

/** A piece of a batch, or all of it. */
export interface StepSource {
  readonly messages: readonly TableMessage[];
  readonly transactions: readonly TransactionMark[];
}

/** What is skipped: what the position covers, and what a table's copy holds already. */
export interface SkipRule {
  readonly position: Lsn;
  /** The table's copy LSN. @throws MirrorError `table_renamed` for a table that the mirror does not have. */
  copyLsnOf(table: QualifiedName): Lsn;
}

/**
 * Turns batches into steps: messages of the same table go together, over batches too, until a TRUNCATE or a change of the table's columns
 * sets a border. What needs no writing is left out.
 */
export function planSteps(sources: readonly StepSource[], rule: SkipRule): readonly WorkStep[] {
  const builder = new StepBuilder(rule);
  sources.forEach((source, batchOrder) => {
    joinContinued(source.messages).forEach((message) =>
      builder.add(message, source.transactions, batchOrder),
    );
  });
  return builder.steps;
}

/** Whether all rows of a message are to be skipped. */
export function isSkipped(message: TableMessage, rule: SkipRule): boolean {
  const copyLsn = rule.copyLsnOf(message.head.table);
  return message.head.lastLsn < maxLsn(rule.position, copyLsn);
}

interface OpenStep {
  readonly kind: 'rows';
  readonly table: QualifiedName;
  readonly parts: StepPart[];
  readonly layout: string;
}

class StepBuilder {
  readonly #rule: SkipRule;
  readonly #steps: WorkStep[] = [];
  /** The step of each table that more of its rows may join. */
  readonly #open = new Map<string, OpenStep>();
  #truncate: { batch: string; segment: number; tables: QualifiedName[] } | undefined;

  constructor(rule: SkipRule) {
    this.#rule = rule;
  }

  get steps(): readonly WorkStep[] {
    return this.#steps;
  }

  add(message: TableMessage, transactions: readonly TransactionMark[], batchOrder: number): void {
    const { head } = message;
    const copyLsn = this.#rule.copyLsnOf(head.table);
    // A transaction ends at or before the position exactly if its commit record starts before it, since no position lies within a commit record.
    const doneBefore = maxLsn(this.#rule.position, copyLsn);
    if (head.truncate) {
      if (head.lastLsn >= doneBefore) this.#addTruncate(message);
      return;
    }
    const part = partOf(message, transactions, doneBefore, batchOrder);
    if (part) this.#addRows(head.table, part);
  }

  #addTruncate(message: TableMessage): void {
    const { batch, segment, table, truncate } = message.head;
    this.#open.clear();
    if (this.#truncate?.batch === batch && this.#truncate.segment === segment) {
      this.#truncate.tables.push(table);
      return;
    }
    const tables = [table];
    this.#truncate = { batch, segment, tables };
    const restartIdentity = truncate?.restartIdentity ?? false;
    this.#steps.push({ kind: 'truncate', tables, restartIdentity });
  }

  #addRows(table: QualifiedName, part: StepPart): void {
    const name = formatQualifiedName(table);
    // Rows with and without old-key columns belong together: they are changes of the same rows.
    const layout = layoutId({ ...part.layout, old: [] });
    const open = this.#open.get(name);
    if (open?.layout === layout) {
      open.parts.push(part);
      return;
    }
    const step: OpenStep = { kind: 'rows', table, parts: [part], layout };
    this.#open.set(name, step);
    this.#steps.push(step);
  }
}

/** Rows of a message that are to be written; undefined if none is. */
function partOf(
  message: TableMessage,
  transactions: readonly TransactionMark[],
  doneBefore: Lsn,
  batchOrder: number,
): StepPart | undefined {
  const { head, payload } = message;
  const whole = {
    payload,
    layout: head,
    hasOld: head.old.length > 0,
    batchOrder,
    ...head.ops,
  };
  if (head.firstLsn >= doneBefore) return payload.length > 0 ? whole : undefined;
  if (head.lastLsn < doneBefore) return undefined;
  const done = transactions.filter((transaction) => transaction.commitLsn < doneBefore);
  const rest = rowsAfter(payload, done.at(-1)?.lastSeq ?? 0);
  return rest.length === 0 ? undefined : { ...whole, payload: rest, ...countOps(rest) };
}

/** A message with only some of its rows. */
export function withRows(message: TableMessage, payload: Uint8Array): TableMessage {
  return { ...message, payload, head: { ...message.head, ops: countOps(payload) } };
}

function countOps(payload: Uint8Array): Pick<StepPart, 'inserts' | 'updates' | 'deletes'> {
  const counts = { inserts: 0, updates: 0, deletes: 0 };
  for (let at = 0; at < payload.length; at = rowEnd(payload, at)) {
    if (payload[at] === OP_INSERT) counts.inserts += 1;
    else if (payload[at] === OP_DELETE) counts.deletes += 1;
    else counts.updates += 1;
  }
  return counts;
}

/** Joins the messages of rows that were cut, so that every message holds whole rows. */
function joinContinued(messages: readonly TableMessage[]): readonly TableMessage[] {
  if (!messages.some((message) => message.head.continues)) return messages;
  const joined: TableMessage[] = [];
  let pieces: TableMessage[] = [];
  for (const message of messages) {
    pieces.push(message);
    if (message.head.continues) continue;
    joined.push(joinPieces(pieces));
    pieces = [];
  }
  return joined;
}

function joinPieces(pieces: readonly TableMessage[]): TableMessage {
  const [first, ...rest] = pieces;
  if (!first) throw new RangeError('no pieces');
  if (rest.length === 0) return first;
  const sum = (count: (message: TableMessage) => number): number =>
    pieces.reduce((total, message) => total + count(message), 0);
  return {
    ...first,
    payload: joinBytes(pieces.map((message) => message.payload)),
    head: {
      ...first.head,
      ops: {
        inserts: sum((message) => message.head.ops.inserts),
        updates: sum((message) => message.head.ops.updates),
        deletes: sum((message) => message.head.ops.deletes),
      },
    },
  };
}
