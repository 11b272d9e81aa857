import { MirrorError } from '@bunnydb/failure';
import type { PipelinedSession, PreparedStatement, ReplySink } from '@bunnydb/pg-client';
import { formatQualifiedName } from '@bunnydb/pg-model';
import { OP_DELETE, OP_INSERT, readSeq } from '../core/copy-line.js';
import { RowFields } from '../core/row-fields.js';
import type { RowList } from '../core/row-list.js';
import {
  type RowShape,
  type RowStatement,
  deleteRow,
  insertRow,
  matchedFields,
  updateRow,
} from '../core/row-statements.js';
import type { TablePlan } from '../core/table-plan.js';
import type { WorkTally } from '../core/work-tally.js';
import type { WriteLabel } from './write-label.js';

interface PreparedRow {
  readonly row: RowStatement;
  readonly statement: PreparedStatement;
}

/**
 * Writes rows one by one, in the source's order, with prepared statements that are sent without waiting for answers. Right for every
 * history of changes, and the cheapest way for a few.
 */
export class RowWriter {
  readonly #session: PipelinedSession;
  #prepared = new Map<TablePlan, Map<string, PreparedRow>>();
  #count = 0;

  constructor(session: PipelinedSession) {
    this.#session = session;
  }

  /**
   * Sends the rows. @param planOf the plan of a row's part, by the part's index. @param tellsRows whether a refusal has to tell which row it
   * was, which costs an object for each.
   */
  async write(
    rows: RowList,
    planOf: (partIndex: number) => TablePlan,
    tally: WorkTally,
    tellsRows: boolean,
  ): Promise<void> {
    const fields = new RowFields();
    const sinks = new Map<PreparedRow, ReplySink>();
    for (let index = 0; index < rows.length && !this.#session.hasFailed; index++) {
      const { payload, hasOld } = rows.part(index);
      const start = rows.start(index);
      const plan = planOf(rows.partIndex(index));
      fields.read(payload, start, plan.layout.columns.length, plan.layout.old.length);
      const prepared = this.#prepare(plan, payload[start], hasOld, fields);
      let sink = tellsRows
        ? sinkOf(prepared.row, { action: 'row', plan, seq: readSeq(payload, start) }, tally)
        : sinks.get(prepared);
      if (!sink) sinks.set(prepared, (sink = sinkOf(prepared.row, { action: 'row', plan }, tally)));
      this.#session.execute(prepared.statement, fields.values(prepared.row.parameters), sink);
      if (index % ROWS_BETWEEN_WAITS === 0) await this.#session.drained();
    }
  }

  /** Forgets every statement; the tables they were made for may have changed. */
  reset(): void {
    for (const statements of this.#prepared.values())
      for (const { statement } of statements.values()) this.#session.forget(statement);
    this.#prepared = new Map();
    this.#count = 0;
  }

  #prepare(
    plan: TablePlan,
    op: number | undefined,
    hasOld: boolean,
    fields: RowFields,
  ): PreparedRow {
    const shape = shapeOf(plan, op, hasOld, fields);
    const key = `${op}${shape.isMoved ? 'm' : ''} ${shape.unchanged.join()} ${shape.nulls.map(Number).join('')}`;
    let statements = this.#prepared.get(plan);
    if (!statements) this.#prepared.set(plan, (statements = new Map<string, PreparedRow>()));
    const known = statements.get(key);
    if (known) return known;
    if (this.#count >= STATEMENTS_MAX) {
      this.reset();
      this.#prepared.set(plan, (statements = new Map<string, PreparedRow>()));
    }
    const text = statementOf(plan, op, shape);
    const prepared = {
      row: text,
      statement: this.#session.prepare(text.text, text.parameterTypes),
    };
    statements.set(key, prepared);
    this.#count += 1;
    return prepared;
  }
}

function shapeOf(
  plan: TablePlan,
  op: number | undefined,
  hasOld: boolean,
  fields: RowFields,
): RowShape {
  if (op === OP_INSERT) return INSERT_SHAPE;
  if (plan.matching === 'none') {
    throw new MirrorError(
      'replica_identity_missing',
      'an update or delete cannot find its row: the table has no replica identity',
      { detail: { table: formatQualifiedName(plan.table.name) } },
    );
  }
  const byOld = op !== OP_DELETE && hasOld;
  return {
    unchanged: op === OP_DELETE ? [] : fields.unchanged,
    nulls:
      plan.matching === 'full'
        ? matchedFields(plan, byOld).map((field) => fields.isNull(byOld, field.position))
        : [],
    isMoved:
      byOld &&
      plan.keyFields.some(
        (field, index) => !fields.isSame(field.position, plan.oldKeyFields[index]?.position),
      ),
  };
}

function statementOf(plan: TablePlan, op: number | undefined, shape: RowShape): RowStatement {
  if (op === OP_INSERT) return insertRow(plan);
  return op === OP_DELETE ? deleteRow(plan, shape) : updateRow(plan, shape);
}

function sinkOf(row: RowStatement, label: WriteLabel, tally: WorkTally): ReplySink {
  switch (row.answer) {
    case 'plain':
      return { label };
    case 'zero_is_missing':
      return { label, onComplete: (rows) => (tally.missingRows += rows === 0 ? 1 : 0) };
    case 'one_is_missing':
      return { label, onComplete: (rows) => (tally.missingRows += rows) };
  }
}

const INSERT_SHAPE: RowShape = { unchanged: [], nulls: [], isMoved: false };
const STATEMENTS_MAX = 500;
const ROWS_BETWEEN_WAITS = 64;
