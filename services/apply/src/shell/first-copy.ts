import type { MirrorSpec } from '@bunnydb/contracts';
import { type FailureKind, reportOf } from '@bunnydb/failure';
import type { SessionContext } from '@bunnydb/messaging';
import { type ConnectionSettings, closeSession, connectClient } from '@bunnydb/pg-client';
import { formatQualifiedName } from '@bunnydb/pg-model';
import type { ApplyProgress } from '../core/apply-progress.js';
import { nextRetryMs } from '../core/lane-failure.js';
import { noteOf, stepLane } from '../core/lane-state.js';
import { copyApplicationName } from './application-name.js';
import { copyPendingTables } from './copy-tables.js';
import { LaneBook, type LaneChange } from './lane-book.js';

export interface FirstCopy {
  readonly spec: MirrorSpec;
  readonly epoch: string;
  readonly context: SessionContext;
  readonly source: ConnectionSettings;
  readonly destination: ConnectionSettings;
  readonly progress: ApplyProgress;
}

/**
 * Runs the copy of a whole mirror and tells of it. A table that cannot be copied because of what it is (it was altered, renamed or dropped since it was set up, or the destination refuses its
 * rows) does not keep the others from streaming: it is in `error` then, and its lane tries it again. With `on_table_error: stop` it does.
 *
 * @throws MirrorError what is no table's own.
 */
export async function copyFirst(copy: FirstCopy): Promise<void> {
  const { spec, context, progress } = copy;
  await context.emit('copy_started', {
    tables: spec.tables.map((table) => formatQualifiedName(table.source)),
  });
  const failed = new Map<string, unknown>();
  const copying = copyPendingTables({
    spec,
    epoch: copy.epoch,
    source: copy.source,
    destination: { ...copy.destination, applicationName: copyApplicationName(spec.id) },
    signal: context.signal,
    onProgress: (table) => {
      progress.setCopy(formatQualifiedName(table.table), {
        partitions_done: table.rangesDone,
        partitions_total: table.rangesTotal,
        rows_done: table.rowsDone,
        rows_estimated: table.rowsEstimated,
        bytes_done: table.bytesDone,
        bytes_estimated: table.bytesEstimated,
      });
    },
    onTableState: (table, status, rows) => {
      const name = formatQualifiedName(table);
      progress.setTableStatus(name, status);
      context.emit('table_state_changed', { table: name, status, rows }).catch(() => undefined);
    },
    onTableFailure: (table, error) => {
      const isOwn = TABLES_OWN.has(reportOf(error).kind);
      if (!isOwn || spec.options.on_table_error === 'stop') return false;
      failed.set(formatQualifiedName(table), error);
      return true;
    },
  });
  const summary = await context.stayFor(copying);
  if (failed.size > 0) await noteFailures(copy, failed);
  context.markHealthy();
  await context.emit('copy_finished', summary);
}

/** Puts tables into `error`, from where their lanes go on with the copy. */
async function noteFailures(
  { spec, epoch, context, destination, progress }: FirstCopy,
  failed: ReadonlyMap<string, unknown>,
): Promise<void> {
  const { signal } = context;
  const client = await connectClient(destination, { role: 'destination', signal });
  try {
    const book = new LaneBook(client, spec, epoch);
    for (const [table, error] of failed) {
      const failure = reportOf(error);
      const retryAtMs = nextRetryMs(failure.kind, 1, {
        nowMs: Date.now(),
        random: Math.random(),
      });
      await book.change([table], (entry): LaneChange | undefined => {
        const state = stepLane(entry.state, {
          tag: 'failed',
          keepsShadow: false,
          leavesGroup: false,
        });
        if (state.tag === 'refused') return undefined;
        const note = noteOf(state, entry.note);
        return { state, note, attempts: 1, nextRetryAtMs: retryAtMs, reason: failure };
      });
      progress.setTableStatus(table, 'error');
      await context.emit('table_state_changed', {
        table,
        status: 'error',
        failure,
        next_retry_at: retryAtMs === null ? null : new Date(retryAtMs).toISOString(),
      });
    }
  } finally {
    await closeSession(client);
  }
}

/** What is about this table, not about a server, the network or our rights. */
const TABLES_OWN: ReadonlySet<FailureKind> = new Set([
  'table_missing',
  'table_renamed',
  'table_rewritten',
  'schema_mismatch',
  'constraint_violated',
  'value_rejected',
]);
