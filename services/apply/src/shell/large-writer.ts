import type { LargeBatch } from '../core/batch-assembly.js';
import type { TableMessage } from '../core/change-message.js';
import { type ParkedMessage, transactionsWithin } from '../core/parked-message.js';
import { type SkipRule, isSkipped, laneOf, planSteps } from '../core/work-step.js';
import type { WorkTally } from '../core/work-tally.js';
import { type LargeSource, readLargeBatch } from './large-batch.js';
import type { TableWriter, WriteMode } from './table-writer.js';

/** Writes a batch that is not held into the open transaction, reading it from the stream again. */
export async function writeLargeBatch(
  batch: LargeBatch,
  from: LargeSource,
  to: {
    readonly rule: SkipRule;
    readonly writer: TableWriter;
    readonly mode: WriteMode;
    readonly tally: WorkTally;
  },
): Promise<void> {
  const { rule, writer, mode, tally } = to;
  const { transactions } = batch.commit;
  let pieceNo = 0;
  for await (const piece of readLargeBatch(batch, from)) {
    if (writer.hasFailed) return;
    // A piece is what may be held at a time, so that it is read together when it comes back from where it is parked.
    const unit = `${batch.commit.head.batch}/${pieceNo++}`;
    if (piece.kind === 'rows') {
      const steps = planSteps([{ messages: piece.messages, transactions, unit }], rule);
      tally.addSteps(steps);
      await writer.write(steps, mode, tally);
      continue;
    }
    const { first, messages } = piece;
    const { table } = first.head;
    const lane = laneOf(table, rule);
    if (isSkipped(first, rule)) {
      for await (const message of messages) void message;
    } else if (lane.kind === 'parked') {
      const parked = { transactions: transactionsWithin(first, transactions), unit };
      await writer.parkLargeRow(lane.table, parkedPieces(messages, parked));
    } else {
      tally.addRow(table, first.head.ops);
      await writer.writeLargeRow(table, first.head, payloadsOf(messages), tally);
    }
  }
}

async function* parkedPieces(
  messages: AsyncIterable<TableMessage>,
  of: Pick<ParkedMessage, 'transactions' | 'unit'>,
): AsyncGenerator<ParkedMessage> {
  for await (const message of messages) yield { ...of, message, isLargeRow: true };
}

async function* payloadsOf(messages: AsyncIterable<TableMessage>): AsyncGenerator<Uint8Array> {
  for await (const { payload } of messages) yield payload;
}
