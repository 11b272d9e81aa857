import type { SchemaChange, StructureRefusal } from '@bunnydb/contracts';
import type { FailureReport } from '@bunnydb/failure';
import type { MirrorEvent } from './mirror-event.js';

type Synced = Extract<MirrorEvent, { type: 'schema_synced' }>['body'];

/** How a sync of the schema ended. */
export type SyncEnd =
  | { readonly tag: 'synced'; readonly body: Synced }
  | { readonly tag: 'failed'; readonly failure: FailureReport }
  /** The mirror is being deleted, and nobody waits for its answer any more. */
  | { readonly tag: 'deleted' };

/** What is known of a sync that somebody waits for: its commands (one more for each that got lost), and its end. */
export interface SyncWatch {
  readonly commandIds: readonly string[];
  readonly end: SyncEnd | null;
}

export const SYNC_BEGUN: SyncWatch = { commandIds: [], end: null };

/** Folds one event that came after the request. */
export function watchSync(watch: SyncWatch, event: MirrorEvent): SyncWatch {
  if (watch.end) return watch;
  switch (event.type) {
    case 'step_started':
      return event.body.verb === 'sync_schema'
        ? { ...watch, commandIds: [...watch.commandIds, event.body.command_id] }
        : watch;
    case 'schema_synced':
      return watch.commandIds.includes(event.body.command_id)
        ? { ...watch, end: { tag: 'synced', body: event.body } }
        : watch;
    case 'step_failed':
      return watch.commandIds.at(-1) === event.body.command_id
        ? { ...watch, end: { tag: 'failed', failure: event.body.failure } }
        : watch;
    case 'mirror_delete_requested':
      return { ...watch, end: { tag: 'deleted' } };
    default:
      return watch;
  }
}

/** A change as the answer names it; what was pending before tells the rest. */
export type SyncedChange = Partial<SchemaChange> & {
  readonly object: string;
  readonly outcome?: string;
};

export interface SyncAnswer {
  readonly applied: readonly SyncedChange[];
  readonly skipped: readonly SyncedChange[];
  readonly failed: readonly SyncedChange[];
}

/**
 * The answer to whoever asked, with what was pending before for details. Workers name a change by its object, or by kind and object; several
 * changes of one object come in the order in which they were pending.
 */
export function syncAnswer(body: Synced, pending: readonly SchemaChange[]): SyncAnswer {
  const left = [...pending];
  const take = (name: string): SyncedChange => {
    const exact = left.findIndex(({ kind, object }) => `${kind} ${object}` === name);
    const index = exact >= 0 ? exact : left.findIndex(({ object }) => object === name);
    const [change] = index < 0 ? [] : left.splice(index, 1);
    return change ?? unknownChange(name);
  };
  const refused = ({ object, reason }: StructureRefusal): SyncedChange => ({
    ...take(object),
    outcome: reason,
  });
  return {
    applied: body.applied.map(take),
    failed: body.failed.map(refused),
    skipped: body.skipped.map(refused),
  };
}

/** One that came to be pending after the question, such as a check that has to be validated once it is made. */
function unknownChange(name: string): SyncedChange {
  const match = /^([a-z_]+) (.+)$/s.exec(name);
  const [, kind, object] = match ?? [];
  return kind === undefined || object === undefined ? { object: name } : { kind, object };
}
