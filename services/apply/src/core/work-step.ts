import type { TransactionMark } from '@bunnydb/change-stream';
import { type Lsn, type QualifiedName, formatQualifiedName, maxLsn } from '@bunnydb/pg-model';
import type { TableMessage } from './change-message.js';
import { OP_DELETE, OP_INSERT, rowEnd } from './copy-line.js';
import { joinBytes } from './join-bytes.js';
import { type ParkedMessage, transactionsWithin } from './parked-message.js';
import { endOfRowsUpTo, rowsAfter } from './row-columns.js';
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

/** Messages of a table outside the main lane, as they are; they are kept for later. */
export interface ParkStep {
  readonly kind: 'park';
  readonly table: QualifiedName;
  readonly parked: readonly ParkedMessage[];
}

/** What a destination transaction does, one step after the other. */
export type WorkStep = RowsStep | TruncateStep | ParkStep;

/** A piece of a batch, or all of it. */
export interface StepSource {
  readonly messages: readonly TableMessage[];
  readonly transactions: readonly TransactionMark[];
  /** What is parked of it is read together; the batch unless given. */
  readonly unit?: string;
}

/**
 * Where a table's changes go: they are applied, or parked (under the name of the table that they belong to), or passed over, since the
 * table is not in the mirror any more.
 */
export type TableLane =
  | { readonly kind: 'main' }
  | { readonly kind: 'parked'; readonly table: QualifiedName }
  | { readonly kind: 'none' };

/** What is skipped: what the position covers, and what a table's copy holds already. */
export interface SkipRule {
  readonly position: Lsn;
  /** The table's copy LSN. @throws MirrorError `table_renamed` for a table that the mirror does not have. */
  copyLsnOf(table: QualifiedName): Lsn;
  /** All tables are in the main lane when left out. */
  laneOf?(table: QualifiedName): TableLane;
  /** Commit LSNs of transactions whose changes a person does not want; none when left out. */
  skippedLsnsOf?(table: QualifiedName): ReadonlySet<Lsn>;
}

/**
 * Turns batches into steps: messages of the same table go together, over batches too, until a TRUNCATE or a change of the table's columns
 * sets a border. What needs no writing is left out.
 */
export function planSteps(sources: readonly StepSource[], rule: SkipRule): readonly WorkStep[] {
  const builder = new StepBuilder(rule);
  sources.forEach((source, batchOrder) => {
    joinContinued(source.messages).forEach((message) => builder.add(message, source, batchOrder));
  });
  return builder.steps;
}

/** Whether a message that holds rows of one transaction is to be skipped; for one of a lane, only the position counts. */
export function isSkipped({ head }: TableMessage, rule: SkipRule): boolean {
  const lane = laneOf(head.table, rule);
  if (lane.kind === 'none') return true;
  if (lane.kind === 'parked') return head.lastLsn < rule.position;
  if (rule.skippedLsnsOf?.(head.table).has(head.lastLsn) === true) return true;
  return head.lastLsn < maxLsn(rule.position, rule.copyLsnOf(head.table));
}

/** The lane of a table under a rule. */
export function laneOf(table: QualifiedName, rule: SkipRule): TableLane {
  return rule.laneOf?.(table) ?? MAIN_LANE;
}

const MAIN_LANE: TableLane = { kind: 'main' };
const NO_LSNS: ReadonlySet<Lsn> = new Set();

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
  readonly #parked = new Map<string, ParkedMessage[]>();
  #truncate: { batch: string; segment: number; tables: QualifiedName[] } | undefined;

  constructor(rule: SkipRule) {
    this.#rule = rule;
  }

  get steps(): readonly WorkStep[] {
    return this.#steps;
  }

  add(message: TableMessage, source: StepSource, batchOrder: number): void {
    const { head } = message;
    const lane = laneOf(head.table, this.#rule);
    if (lane.kind === 'none') return;
    // What a copy holds of a table outside the main lane is for its replay to say: the copy may not even have begun.
    const copyLsn = lane.kind === 'main' ? this.#rule.copyLsnOf(head.table) : this.#rule.position;
    // A transaction ends at or before the position exactly if its commit record starts before it, since no position lies within a commit record.
    const doneBefore = maxLsn(this.#rule.position, copyLsn);
    if (lane.kind === 'parked') {
      this.#park(lane.table, message, source, doneBefore);
      return;
    }
    const skipped = this.#rule.skippedLsnsOf?.(head.table) ?? NO_LSNS;
    if (head.truncate) {
      if (head.lastLsn >= doneBefore && !skipped.has(head.lastLsn)) this.#addTruncate(message);
      return;
    }
    const left = rowsLeft(message, source.transactions, doneBefore, skipped);
    if (left && left.payload.length > 0) this.#addRows(head.table, partOf(left, batchOrder));
  }

  /** Parked messages have no order with other tables, and their truncates end no step of others. */
  #park(table: QualifiedName, message: TableMessage, source: StepSource, doneBefore: Lsn): void {
    const { head } = message;
    const left = head.truncate
      ? head.lastLsn >= doneBefore && message
      : rowsLeft(message, source.transactions, doneBefore, NO_LSNS);
    if (!left) return;
    const parked: ParkedMessage = {
      message: left,
      transactions: transactionsWithin(left, source.transactions),
      unit: source.unit ?? head.batch,
      isLargeRow: false,
    };
    const name = formatQualifiedName(table);
    const open = this.#parked.get(name);
    if (open) {
      open.push(parked);
      return;
    }
    const step = { kind: 'park' as const, table, parked: [parked] };
    this.#parked.set(name, step.parked);
    this.#steps.push(step);
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

/** A message with the rows that are to be written; undefined if none is. */
function rowsLeft(
  message: TableMessage,
  transactions: readonly TransactionMark[],
  doneBefore: Lsn,
  skipped: ReadonlySet<Lsn>,
): TableMessage | undefined {
  const { head, payload } = message;
  if (head.lastLsn < doneBefore) return undefined;
  if (head.firstLsn >= doneBefore && skipped.size === 0) return message;
  const done = transactions.filter((transaction) => transaction.commitLsn < doneBefore);
  const rest = rowsAfter(payload, done.at(-1)?.lastSeq ?? 0);
  const wanted = skipped.size === 0 ? rest : rowsOfOthers(rest, transactions, skipped);
  return wanted.length === 0 ? undefined : withRows(message, wanted);
}

function partOf({ head, payload }: TableMessage, batchOrder: number): StepPart {
  return { payload, layout: head, hasOld: head.old.length > 0, batchOrder, ...head.ops };
}

/** The rows that are not of the skipped transactions. */
function rowsOfOthers(
  payload: Uint8Array,
  transactions: readonly TransactionMark[],
  skipped: ReadonlySet<Lsn>,
): Uint8Array {
  const kept: Uint8Array[] = [];
  let at = 0;
  for (const { commitLsn, lastSeq } of transactions) {
    const end = endOfRowsUpTo(payload, at, lastSeq);
    if (!skipped.has(commitLsn)) kept.push(payload.subarray(at, end));
    at = end;
  }
  return joinBytes(kept);
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
      continues: false,
      ops: {
        inserts: sum((message) => message.head.ops.inserts),
        updates: sum((message) => message.head.ops.updates),
        deletes: sum((message) => message.head.ops.deletes),
      },
    },
  };
}
