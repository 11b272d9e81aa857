import { MirrorError } from '@bunnydb/failure';
import type { PipelinedSession } from '@bunnydb/pg-client';
import { formatQualifiedName, quoteQualifiedName } from '@bunnydb/pg-model';
import { OP_DELETE, OP_INSERT, columnsStart } from '../core/copy-line.js';
import { columnList } from '../core/row-statements.js';
import type { TablePlan } from '../core/table-plan.js';
import type { WorkTally } from '../core/work-tally.js';
import type { Stagings } from './staging.js';
import type { WriteLabel } from './write-label.js';

/**
 * Writes one row that is too large to be held: its bytes pass through a COPY, into the table if it is an insert, else into the staging
 * table, from where a statement takes it.
 */
export async function writeLargeRow(
  to: { readonly session: PipelinedSession; readonly stagings: Stagings },
  plan: TablePlan,
  bytes: AsyncIterable<Uint8Array>,
  tally: WorkTally,
): Promise<void> {
  const { session } = to;
  let op: number | undefined;
  let finish = (): void => undefined;
  for await (const piece of bytes) {
    // A failed transaction needs no more bytes, but they have to be read to get to the next row.
    if (session.hasFailed && op !== undefined) continue;
    if (op !== undefined) {
      session.copyData(piece);
    } else {
      op = piece[0];
      const isPlain = op === OP_INSERT && plan.kept.every(Boolean);
      finish = isPlain ? beginPlain(session, plan) : beginStaged(to, plan, op, tally);
      session.copyData(isPlain ? piece.subarray(columnsStart(piece, 0)) : piece);
    }
    await session.drained();
  }
  session.endCopy();
  finish();
}

function beginPlain(session: PipelinedSession, plan: TablePlan): () => void {
  const label: WriteLabel = { action: 'copy', plan };
  session.beginCopy(
    `copy ${quoteQualifiedName(plan.table.name)} (${columnList(plan.fields)}) from stdin`,
    {
      label,
    },
  );
  return () => undefined;
}

function beginStaged(
  { session, stagings }: { readonly session: PipelinedSession; readonly stagings: Stagings },
  plan: TablePlan,
  op: number | undefined,
  tally: WorkTally,
): () => void {
  if (op !== OP_INSERT && plan.matching === 'none') {
    throw new MirrorError(
      'replica_identity_missing',
      'an update or delete cannot find its row: the table has no replica identity',
      { detail: { table: formatQualifiedName(plan.table.name) } },
    );
  }
  const staging = stagings.open(plan);
  session.beginCopy(staging.copy, { label: { action: 'stage', plan } satisfies WriteLabel });
  const label: WriteLabel = { action: 'row', plan };
  return () => {
    if (op === OP_INSERT) {
      session.run(staging.insert, { label });
    } else if (op === OP_DELETE) {
      const onComplete = (rows: number): void => void (tally.missingRows += rows === 0 ? 1 : 0);
      session.run(staging.deleteOne, { label, onComplete });
    } else {
      const onComplete = (rows: number): void => void (tally.missingRows += rows);
      session.run(staging.updateOrInsertOne, { label, onComplete });
    }
  };
}
