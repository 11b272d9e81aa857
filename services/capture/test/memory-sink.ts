import {
  decodeCommitHead,
  decodeSchemaMark,
  decodeSchemaMarkHead,
  decodeTableHead,
  decodeTransactions,
} from '@bunnydb/change-stream';
import type { Lsn } from '@bunnydb/pg-model';
import type { MessageSink, OutgoingMessage } from '../src/core/outgoing-message.js';
import { BatchAssembler, type BatchLimits } from '../src/core/batch-assembler.js';
import { MemorySpool } from '../src/core/large-change.js';
import { PgoutputDecoder } from '../src/core/pgoutput-decoder.js';
import type { RelationScope } from '../src/core/relation.js';
import { type Change, type StoredMessage, changesOf } from './stored-changes.js';

/** The publisher's twin in memory: stores what it is given, at once. */
export class MemorySink implements MessageSink {
  readonly messages: OutgoingMessage[] = [];
  idle = true;

  get nextSequence(): number {
    return this.messages.length + 1;
  }

  send(message: OutgoingMessage): void {
    // A buffer is used again once its message is stored, so the bytes are kept.
    this.messages.push({ ...message, payload: message.payload.slice() });
  }

  get stored(): StoredMessage[] {
    return this.messages.map((message, index) => {
      const headers = new Map(message.headers);
      const source = { get: (name: string) => headers.get(name) ?? '' };
      const isCommit = message.lastLsn !== null;
      const isMark = message.subject.endsWith('._schema');
      const payload = Buffer.from(message.payload);
      return {
        sequence: index + 1,
        subject: message.subject,
        payload,
        table: isCommit || isMark ? null : decodeTableHead(source),
        mark: isMark
          ? { head: decodeSchemaMarkHead(source), mark: decodeSchemaMark(payload) }
          : null,
        commit: isCommit
          ? { head: decodeCommitHead(source), lines: decodeTransactions(payload.toString()) }
          : null,
      };
    });
  }

  get changes(): Change[] {
    return changesOf(this.stored);
  }
}

export interface CoreOptions {
  readonly limits?: Partial<BatchLimits>;
  readonly scope?: Partial<RelationScope>;
  readonly prevLsn?: Lsn;
}

/** Decoder and assembler over a sink in memory. */
export function coreOf(options: CoreOptions = {}): {
  readonly sink: MemorySink;
  readonly assembler: BatchAssembler;
  readonly decoder: PgoutputDecoder;
} {
  const sink = new MemorySink();
  const limits = {
    messageBytesMax: 64 * 1024,
    batchBytesMax: 256 * 1024,
    openBytesMax: 1024 * 1024,
    ...options.limits,
  };
  const assembler = new BatchAssembler({
    mirrorName: 'shop',
    epoch: '1',
    prevLsn: options.prevLsn ?? (0n as Lsn),
    sink,
    limits,
  });
  const decoder = new PgoutputDecoder({
    assembler,
    mirrorId: 'shop1',
    scope: { wants: () => true, names: () => true, excludes: () => false, ...options.scope },
    spool: new MemorySpool(),
    messageBytesMax: limits.messageBytesMax,
  });
  return { sink, assembler, decoder };
}
