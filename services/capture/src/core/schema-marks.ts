import { type DdlMark, encodeSchemaMark } from '@bunnydb/change-stream';
import type { Lsn } from '@bunnydb/pg-model';
import type { BatchAssembler } from './batch-assembler.js';
import type { Relation } from './relation.js';

/**
 * Puts schema marks into the batch. A table's shape is told before its first change that has it: once in a session and again when
 * anything that is carried changed. It is not told at pgoutput's Relation message, which also comes for partitions (their rows
 * follow under the root's name) and again after every invalidation of the source's caches.
 */
export class SchemaMarks {
  readonly #assembler: BatchAssembler;
  readonly #messageBytesMax: number;
  /** The last mark of each table, by OID, as its text. */
  readonly #told = new Map<number, string>();
  /** Tables whose next change has a shape that was not told yet. */
  readonly #untold = new Set<number>();

  constructor(assembler: BatchAssembler, messageBytesMax: number) {
    this.#assembler = assembler;
    this.#messageBytesMax = messageBytesMax;
  }

  /** pgoutput has described a table in a way that differs from before. */
  seeRelation(relation: Relation): void {
    const isTold = this.#told.get(relation.oid) === JSON.stringify(relation.mark);
    if (relation.wanted && !isTold) this.#untold.add(relation.oid);
    else this.#untold.delete(relation.oid);
  }

  /** A change of the table is next. Nearly always there is nothing to tell. */
  tellShape(relation: Relation, commitLsn: Lsn): void {
    if (this.#untold.size === 0 || !this.#untold.delete(relation.oid)) return;
    this.#told.set(relation.oid, JSON.stringify(relation.mark));
    this.#assembler.mark(relation.mark, commitLsn);
  }

  /** A DDL command of the source; what a message cannot hold of its objects is counted instead. */
  tellDdl(mark: DdlMark, commitLsn: Lsn): void {
    let fitting = mark;
    while (fitting.objects.length > 0 && encodeSchemaMark(fitting).length > this.#messageBytesMax) {
      const objects = fitting.objects.slice(0, fitting.objects.length >> 1);
      const left = fitting.objects.length - objects.length;
      fitting = { ...fitting, objects, objects_left: (fitting.objects_left ?? 0) + left };
    }
    this.#assembler.mark(fitting, commitLsn);
  }
}
