import type { SchemaMark } from '@bunnydb/change-stream';
import { type FollowOutcome, lookSubject } from '@bunnydb/contracts';
import { MirrorError, reportOf } from '@bunnydb/failure';
import type { Messaging } from '@bunnydb/messaging';
import { type QualifiedName, formatQualifiedName } from '@bunnydb/pg-model';
import type { Batch } from '../core/batch-assembly.js';
import { decideMark } from '../core/mark-decision.js';
import type { MirrorTables } from '../core/mirror-tables.js';
import type { TableNote } from '../core/table-note.js';
import type { SchemaQuestions } from './schema-questions.js';

export interface BatchGateOptions {
  readonly mirrorId: string;
  readonly messaging: Messaging;
  readonly tables: MirrorTables;
  readonly questions: SchemaQuestions;
  /** Reads the destination's catalog again: for these tables, or for all. */
  readonly refreshTables: (only?: readonly QualifiedName[]) => Promise<void>;
  /** The mirror's table that the source has under this name, or had when it had this number; undefined when the table left the mirror. */
  readonly findRenamed: (name: QualifiedName, oid?: number) => Promise<QualifiedName | undefined>;
}

/**
 * Stands before each batch: rows of a new shape must find a destination that can take them.
 *
 * Of a batch without marks whose tables are known it costs a look at two lists. A mark whose shape has not been followed, any DDL and
 * any unknown table make the loop wait until all that was sent is answered; then the schema service is asked, and what it says is noted in the
 * batch's own transaction. Nothing is durable before that: after a crash the same batch comes again, and the same questions are asked.
 */
export class BatchGate {
  readonly #options: BatchGateOptions;

  constructor(options: BatchGateOptions) {
    this.#options = options;
  }

  /** Whether there is anything to do before the batch. */
  isClosed({ marks, tables }: Batch): boolean {
    return marks.length > 0 || tables.some((name) => !this.#options.tables.knows(name));
  }

  /** Whether what is to be done has to wait for all that came before. */
  mustWait({ marks, tables }: Batch): boolean {
    return (
      tables.some((name) => !this.#options.tables.knows(name)) ||
      marks.some(({ mark }) => !PASSING.has(this.#decide(mark).tag))
    );
  }

  /** Does it; returns what the batch's transaction has to note. */
  async open(batch: Batch): Promise<readonly TableNote[]> {
    const notes: TableNote[] = [];
    for (const { mark } of batch.marks) notes.push(...(await this.#pass(mark)));
    for (const name of batch.tables)
      if (!this.#options.tables.knows(name)) notes.push(...(await this.#meetUnknown(name)));
    return notes;
  }

  #decide(mark: SchemaMark): ReturnType<typeof decideMark> {
    return decideMark(mark, this.#options.tables, this.#options.questions.carriesSchema);
  }

  async #pass(mark: SchemaMark): Promise<readonly TableNote[]> {
    const decision = this.#decide(mark);
    const { tables, messaging, mirrorId } = this.#options;
    if (mark.kind === 'ddl') messaging.publishJson(lookSubject(mirrorId), {});
    switch (decision.tag) {
      case 'nothing':
        return [];
      case 'note':
        tables.update(decision.table, { relation: decision.relation });
        return [{ tag: 'shape', table: decision.table, relation: decision.relation }];
      case 'renamed':
        return [this.#holdRenamed(decision.table, decision.to)];
      case 'unknown':
        return this.#meetUnknown(decision.table, decision.oid);
      case 'ask':
        return this.#ask(mark, decision.tables, decision.relation);
    }
  }

  async #ask(
    mark: SchemaMark,
    names: readonly QualifiedName[],
    relation: string | null,
  ): Promise<readonly TableNote[]> {
    const { questions, tables, messaging, mirrorId, refreshTables } = this.#options;
    const answer = await questions.ask(names, mark);
    // What is not of a table, such as a type, may concern any.
    await refreshTables(names.length > 0 ? names : undefined);
    // What is left or was made is for the session that compares to tell.
    if (mark.kind === 'ddl') messaging.publishJson(lookSubject(mirrorId), {});
    return names.flatMap((name) => {
      const wanted = formatQualifiedName(name);
      const found = answer.tables.find(({ table }) => formatQualifiedName(table) === wanted);
      const source = tables.find(name)?.mapping.source ?? name;
      const outcome: FollowOutcome = found?.outcome ?? { tag: 'followed' };
      return outcomeNotes(outcome, source, relation, tables);
    });
  }

  /** A table under a name that the mirror does not have: it left the mirror, or has another name now. */
  async #meetUnknown(name: QualifiedName, oid?: number): Promise<readonly TableNote[]> {
    const table = await this.#options.findRenamed(name, oid);
    if (table) return [this.#holdRenamed(table, name)];
    const { tables, messaging, mirrorId } = this.#options;
    tables.passOver(name);
    messaging.log.info(
      { mirror: mirrorId, table: formatQualifiedName(name) },
      'the stream has changes of a table that is not in the mirror; they are passed over',
    );
    return [];
  }

  #holdRenamed(table: QualifiedName, to: QualifiedName): TableNote {
    const { tables } = this.#options;
    // What its lane has to do yet must not be forgotten over it.
    if (tables.laneOf(table).kind === 'parked') {
      tables.update(table, { renamedTo: to });
      return { tag: 'renamed', table, renamedTo: to };
    }
    const failure = reportOf(
      new MirrorError('table_renamed', 'a table of the mirror has another name at the source', {
        detail: { table: formatQualifiedName(table), renamed_to: formatQualifiedName(to) },
      }),
    );
    tables.update(table, { state: 'held', renamedTo: to });
    return { tag: 'parked', table, state: 'held', failure, nextRetryAt: null, renamedTo: to };
  }
}

/** What an answer of the schema service means for a table; its changes go there from now on. */
export function outcomeNotes(
  outcome: FollowOutcome,
  table: QualifiedName,
  relation: string | null,
  tables: MirrorTables,
): readonly TableNote[] {
  const shape: readonly TableNote[] = relation === null ? [] : [{ tag: 'shape', table, relation }];
  if (outcome.tag === 'hold') {
    tables.update(table, { state: 'held' });
    const { failure } = outcome;
    return [{ tag: 'parked', table, state: 'held', failure, nextRetryAt: null }];
  }
  if (relation !== null) tables.update(table, { relation });
  if (outcome.tag === 'followed') return shape;
  tables.update(table, { state: 'resyncing' });
  return [...shape, { tag: 'parked', table, state: 'resyncing', failure: null, nextRetryAt: null }];
}

const PASSING: ReadonlySet<string> = new Set(['nothing', 'note']);
