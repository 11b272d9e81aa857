import type { PipelinedSession } from '@bunnydb/pg-client';
import { type QualifiedName, formatQualifiedName, quoteQualifiedName } from '@bunnydb/pg-model';
import type { MirrorTables } from '../core/mirror-tables.js';
import type { ParkedMessage } from '../core/parked-message.js';
import { type StagedChange, netChange } from '../core/net-change.js';
import { choosePath } from '../core/path-choice.js';
import { RowCollector } from '../core/row-columns.js';
import { RowStripper } from '../core/row-stripper.js';
import { rowEnd } from '../core/copy-line.js';
import { RowList } from '../core/row-list.js';
import { columnList } from '../core/row-statements.js';
import { type RowLayout, type TablePlan, keyPlacesOf } from '../core/table-plan.js';
import type { RowsStep, StepPart, TruncateStep, WorkStep } from '../core/work-step.js';
import type { WorkTally } from '../core/work-tally.js';
import { writeLargeRow } from './large-row-writer.js';
import { parkMessages } from './parked-changes.js';
import { RowWriter } from './row-writer.js';
import { Stagings } from './staging.js';
import type { WriteLabel } from './write-label.js';

/** `fast`: sets where possible. `exact`: every row by itself, over all tables in the source's order. */
export type WriteMode = 'fast' | 'exact';

/**
 * Writes steps into the open destination transaction, by the path that `path-choice.ts` names. Nothing is waited for but
 * room in the socket; how it went is known when the transaction's group is answered.
 */
export class TableWriter {
  readonly #session: PipelinedSession;
  readonly #tables: MirrorTables;
  readonly #mirrorId: string;
  readonly #rows: RowWriter;
  readonly #stagings: Stagings;
  /** Tables whose cached types this transaction relied on. */
  readonly #reliedOn = new Set<TablePlan['table']>();

  /** @param mirrorId whose changes are parked. */
  constructor(session: PipelinedSession, tables: MirrorTables, mirrorId: string) {
    this.#session = session;
    this.#tables = tables;
    this.#mirrorId = mirrorId;
    this.#rows = new RowWriter(session);
    this.#stagings = new Stagings(session);
  }

  /** Tables whose columns must still be as they were read, for what was written to be right. */
  get reliedOn(): ReadonlySet<TablePlan['table']> {
    return this.#reliedOn;
  }

  /** Whether the transaction is known to be refused, so that the rest of it need not be sent. */
  get hasFailed(): boolean {
    return this.#session.hasFailed;
  }

  beginTransaction(): void {
    this.#reliedOn.clear();
    this.#stagings.beginTransaction();
  }

  /** Forgets what depends on the tables' columns; between transactions. */
  reset(): void {
    this.#rows.reset();
    this.#stagings.reset();
  }

  async write(steps: readonly WorkStep[], mode: WriteMode, tally: WorkTally): Promise<void> {
    let pending: RowsStep[] = [];
    for (const step of steps) {
      if (this.#session.hasFailed) return;
      if (step.kind === 'park') {
        await this.#park(step.table, step.parked);
        continue;
      }
      if (step.kind === 'rows' && mode === 'exact') {
        pending.push(step);
        continue;
      }
      await this.#writeExactly(pending, tally);
      pending = [];
      if (step.kind === 'truncate') this.#truncate(step);
      else await this.#writeRows(step, tally);
    }
    await this.#writeExactly(pending, tally);
  }

  /** Writes a row that is too large to be held. */
  async writeLargeRow(
    table: QualifiedName,
    layout: RowLayout,
    bytes: AsyncIterable<Uint8Array>,
    tally: WorkTally,
  ): Promise<void> {
    const plan = this.#tables.planOf(table, layout);
    this.#reliedOn.add(plan.table);
    await writeLargeRow({ session: this.#session, stagings: this.#stagings }, plan, bytes, tally);
  }

  /** Keeps a row of a table outside the main lane that is too large to be held, piece by piece. */
  async parkLargeRow(table: QualifiedName, pieces: AsyncIterable<ParkedMessage>): Promise<void> {
    await this.#park(table, pieces);
  }

  async #park(
    table: QualifiedName,
    messages: Iterable<ParkedMessage> | AsyncIterable<ParkedMessage>,
  ): Promise<void> {
    await parkMessages(this.#session, { mirrorId: this.#mirrorId, table }, messages);
  }

  async #writeRows(step: RowsStep, tally: WorkTally): Promise<void> {
    const plans = step.parts.map((part) => this.#tables.planOf(step.table, part.layout));
    const [plan] = plans;
    if (!plan) return;
    const path = choosePath(step.parts, plan);
    if (path === 'copy') return this.#copy(plan, step.parts);
    if (path === 'staged' && (await this.#stage(step.parts, plans, tally))) return;
    await this.#writeByRow(step.parts, plans, tally, 'fast');
  }

  async #writeExactly(steps: readonly RowsStep[], tally: WorkTally): Promise<void> {
    if (steps.length === 0) return;
    const parts = steps.flatMap((step) => step.parts);
    const plans = steps.flatMap((step) =>
      step.parts.map((part) => this.#tables.planOf(step.table, part.layout)),
    );
    await this.#writeByRow(parts, plans, tally, 'exact');
  }

  async #writeByRow(
    parts: readonly StepPart[],
    plans: readonly TablePlan[],
    tally: WorkTally,
    mode: WriteMode,
  ): Promise<void> {
    for (const plan of plans) this.#reliedOn.add(plan.table);
    const planOf = (index: number): TablePlan => {
      const plan = plans[index];
      if (!plan) throw new RangeError('a part without a plan');
      return plan;
    };
    await this.#rows.write(new RowList(parts), planOf, tally, mode === 'exact');
  }

  /** Inserts only: COPY straight into the table. */
  async #copy(plan: TablePlan, parts: readonly StepPart[]): Promise<void> {
    const keepsAll = plan.kept.every(Boolean);
    this.#beginCopy(plan);
    for (const part of parts) {
      if (keepsAll) await this.#copyStripped(part.payload);
      else this.#session.copyData(project(plan, part.payload));
      await this.#session.drained();
    }
    this.#session.endCopy();
  }

  async #copyStripped(payload: Uint8Array): Promise<void> {
    const rows = new RowStripper(payload);
    while (!rows.isDone) {
      let isStuck = false;
      this.#session.copyFilled((buffer, start, end) => {
        const stop = rows.fill(buffer, start, end);
        isStuck = stop === start;
        return stop;
      });
      // A row that is larger than the session's buffer goes by itself.
      if (isStuck) this.#session.copyData(rows.takeRow());
      await this.#session.drained();
    }
  }

  #beginCopy(plan: TablePlan): void {
    const columns = plan.fields.length > 0 ? ` (${columnList(plan.fields)})` : '';
    const label: WriteLabel = { action: 'copy', plan };
    this.#session.beginCopy(`copy ${quoteQualifiedName(plan.table.name)}${columns} from stdin`, {
      label,
    });
  }

  /** Stages and applies as sets; false when the changes depend on each other too much for that. */
  async #stage(
    parts: readonly StepPart[],
    plans: readonly TablePlan[],
    tally: WorkTally,
  ): Promise<boolean> {
    const [plan] = plans;
    const net = plan && netChange(parts, keyPlacesOf(plans), plan.kept);
    if (!plan || !net) return false;
    const plain = plans.find((candidate) => candidate.layout.old.length === 0);
    const withOld = plans.find((candidate) => candidate.layout.old.length > 0);
    if (net.hasMoved && plan.keyFields.some((field) => field.column.isIdentityAlways)) return false;
    this.#reliedOn.add(plan.table);
    if (plain) await this.#writeStaged(plain, net.plain, tally);
    if (withOld) await this.#writeStaged(withOld, net.withOld, tally);
    if (net.inserts > 0) {
      this.#beginCopy(plan);
      this.#session.copyData(net.inserted);
      this.#session.endCopy();
      await this.#session.drained();
    }
    return true;
  }

  async #writeStaged(plan: TablePlan, change: StagedChange, tally: WorkTally): Promise<void> {
    if (change.updates + change.deletes === 0) return;
    const staging = this.#stagings.open(plan);
    const label: WriteLabel = { action: 'stage', plan };
    this.#session.beginCopy(staging.copy, { label });
    for (const piece of change.pieces) {
      this.#session.copyData(piece);
      await this.#session.drained();
    }
    this.#session.endCopy();
    if (change.deletes > 0) {
      this.#session.run(staging.delete, {
        label: { action: 'set', plan },
        onComplete: (rows) => {
          tally.missingRows += Math.max(0, change.deletes - rows);
        },
      });
    }
    if (change.updates > 0) {
      this.#session.run(staging.update(change.updates, change.hasUnchanged), {
        label: { action: 'count', plan },
      });
    }
  }

  #truncate(step: TruncateStep): void {
    const facts = step.tables.map((table) => this.#tables.factsOf(table));
    const tables = facts.map(
      (table) => `${table.isPartitioned ? '' : 'only '}${quoteQualifiedName(table.name)}`,
    );
    const label: WriteLabel = {
      action: 'truncate',
      tables: facts.map((table) => formatQualifiedName(table.name)),
    };
    // No CASCADE: the source names every table of the publication that its own cascade reached; ours could reach tables that the mirror
    // does not own.
    const restart = step.restartIdentity ? ' restart identity' : '';
    this.#session.run(`truncate ${tables.join(', ')}${restart}`, { label });
  }
}

function project(plan: TablePlan, payload: Uint8Array): Uint8Array {
  const rows = new RowCollector(plan.kept, payload.length);
  const hasOld = plan.layout.old.length > 0;
  for (let at = 0; at < payload.length;) {
    const end = rowEnd(payload, at);
    rows.add(payload, at, end, hasOld);
    at = end;
  }
  return rows.bytes;
}
