import type { MirrorSpec } from '@bunnydb/contracts';
import { type MirrorError, reportOf } from '@bunnydb/failure';
import type { Messaging } from '@bunnydb/messaging';
import { formatQualifiedName } from '@bunnydb/pg-model';
import { nextRetryMs } from '../core/lane-failure.js';
import type { MirrorTable, MirrorTables } from '../core/mirror-tables.js';
import type { TableNote } from '../core/table-note.js';
import { mayBeStructural, refusedTables } from '../core/table-refusal.js';
import { outcomeNotes } from './batch-gate.js';
import type { FollowAnswer, SchemaQuestions } from './schema-questions.js';

export interface TableRefusalsOptions {
  readonly spec: MirrorSpec;
  readonly messaging: Messaging;
  readonly tables: MirrorTables;
  readonly questions: SchemaQuestions;
}

/** What became of a refusal: `again`: the batch deserves another try, with these notes in its transaction; `stop`: nothing can be done here. */
export type RefusalRemedy =
  { readonly tag: 'again'; readonly notes: readonly TableNote[] } | { readonly tag: 'stop' };

/**
 * Judges what the exact path could not write either. A refusal that is about a table takes only that table out of the main lane
 * (`on_table_error: hold`): its changes are parked from the batch on, and its lane tries them again. Where another structure might help, the
 * schema service is asked first, once a batch and table.
 */
export class TableRefusals {
  readonly #options: TableRefusalsOptions;
  #askedFor = '';
  readonly #asked = new Set<string>();

  constructor(options: TableRefusalsOptions) {
    this.#options = options;
  }

  async judge(failure: MirrorError, batchId: string): Promise<RefusalRemedy> {
    const { spec, tables, messaging } = this.#options;
    const refused = refusedTables(failure, tables).filter(
      ({ mapping }) => tables.laneOf(mapping.source).kind === 'main',
    );
    if (refused.length === 0) return { tag: 'stop' };
    const answer = await this.#askOnce(failure, refused, batchId);
    if (answer && answer.made.length > 0) return { tag: 'again', notes: [] };
    if (spec.options.on_table_error === 'stop') return { tag: 'stop' };
    messaging.log.warn(
      { mirror: spec.id, kind: failure.kind, tables: refused.map(nameOf) },
      'the destination refuses changes of a table; they are parked, the others go on',
    );
    return {
      tag: 'again',
      notes: refused.flatMap((table) => this.#takeOut(table, failure, answer)),
    };
  }

  #takeOut(
    table: MirrorTable,
    failure: MirrorError,
    answer: FollowAnswer | undefined,
  ): readonly TableNote[] {
    const { tables } = this.#options;
    const { source } = table.mapping;
    const outcome = answer?.tables.find(
      (candidate) => formatQualifiedName(candidate.table) === nameOf(table),
    )?.outcome;
    if (outcome && outcome.tag !== 'followed') return outcomeNotes(outcome, source, null, tables);
    tables.update(source, { state: 'error' });
    const report = reportOf(failure);
    const now = { nowMs: Date.now(), random: Math.random() };
    const retryMs = nextRetryMs(failure.kind, 1, now);
    const nextRetryAt = retryMs === null ? null : new Date(retryMs).toISOString();
    return [{ tag: 'parked', table: source, state: 'error', failure: report, nextRetryAt }];
  }

  async #askOnce(
    failure: MirrorError,
    refused: readonly MirrorTable[],
    batchId: string,
  ): Promise<FollowAnswer | undefined> {
    const { questions, messaging, spec } = this.#options;
    if (!questions.carriesSchema || !mayBeStructural(failure)) return undefined;
    if (this.#askedFor !== batchId) this.#asked.clear();
    this.#askedFor = batchId;
    if (refused.every((table) => this.#asked.has(nameOf(table)))) return undefined;
    for (const table of refused) this.#asked.add(nameOf(table));
    try {
      const names = refused.map(({ mapping }) => mapping.source);
      return await questions.askOnce(names, { kind: 'refused', failure: reportOf(failure) });
    } catch (error) {
      // The table waits in its lane, and the question comes again with its next try.
      const { kind } = reportOf(error);
      messaging.log.warn({ mirror: spec.id, kind }, 'the schema service could not be asked');
      return undefined;
    }
  }
}

function nameOf({ mapping }: MirrorTable): string {
  return formatQualifiedName(mapping.source);
}
