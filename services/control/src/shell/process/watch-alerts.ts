import { setTimeout as sleep } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Pulse, ServiceLog } from '@bunnydb/service-shell';
import { type AlertMemory, NO_MEMORY, stepAlerts } from '../../core/alert/alert-watch.js';
import {
  type AlertLimits,
  type MirrorWatch,
  mirrorAlerts,
  progressMark,
} from '../../core/alert/mirror-alerts.js';
import { mirrorStream } from '../../core/control-event.js';
import { currentFailure } from '../../core/mirror/mirror-status.js';
import type { CatalogTables } from '../catalog/catalog-tables.js';
import type { MirrorHandler } from '../catalog/control-store.js';
import { type MirrorRow, readMirrors, readTroubledTables } from '../catalog/read-mirrors.js';
import type { StatsBoard } from './stats-board.js';

const LOOK_EVERY_MS = 5_000;
const ACTOR = { metadata: { actor: 'control' } } as const;

export interface WatchAlertsOptions {
  readonly catalog: Kysely<CatalogTables>;
  readonly mirrors: MirrorHandler;
  readonly stats: StatsBoard;
  readonly limits: AlertLimits;
  readonly log: ServiceLog;
  readonly now: () => Date;
  readonly newId: () => string;
  readonly pulse: Pulse | undefined;
  readonly signal: AbortSignal;
}

interface Memory {
  readonly alerts: AlertMemory;
  readonly mark: string;
  readonly stillSinceMs: number;
}

/**
 * Watches the mirrors for what needs somebody, until the signal aborts. What is raised stands with the mirror in the catalog, so that several processes
 * and their restarts tell it once; what is remembered here is only for how long something has been so.
 */
export async function watchAlerts(options: WatchAlertsOptions): Promise<void> {
  const { log, pulse, signal } = options;
  const watcher = new AlertWatcher(options);
  while (!signal.aborted) {
    pulse?.beat();
    try {
      await watcher.look();
    } catch (error) {
      if (!signal.aborted) log.error({ error }, 'the mirrors could not be looked at for alerts');
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** One look at all mirrors after another. */
export class AlertWatcher {
  readonly #options: Omit<WatchAlertsOptions, 'pulse' | 'signal'>;
  #memories: ReadonlyMap<string, Memory> = new Map();

  constructor(options: Omit<WatchAlertsOptions, 'pulse' | 'signal'>) {
    this.#options = options;
  }

  async look(): Promise<void> {
    const { catalog, now } = this.#options;
    const rows = await readMirrors(catalog);
    const troubled = await this.#troubledTables();
    const nowMs = now().getTime();
    const memories = new Map<string, Memory>();
    for (const row of rows) {
      const memory = this.#remember(row, nowMs);
      const tables = troubled.get(row.mirror_id) ?? [];
      const alerts = await this.#lookAt(row, memory, tables, nowMs);
      memories.set(row.mirror_id, { ...memory, alerts });
    }
    this.#memories = memories;
  }

  async #troubledTables(): Promise<ReadonlyMap<string, MirrorWatch['troubledTables']>> {
    const byMirror = new Map<string, MirrorWatch['troubledTables'][number][]>();
    for (const row of await readTroubledTables(this.#options.catalog)) {
      const { source_table: table, status, error_message: error } = row;
      const known = byMirror.get(row.mirror_id);
      if (known) known.push({ table, status, error });
      else byMirror.set(row.mirror_id, [{ table, status, error }]);
    }
    return byMirror;
  }

  #remember(row: MirrorRow, nowMs: number): Memory {
    const known = this.#memories.get(row.mirror_id);
    const mark = `${row.status} ${progressMark(this.#options.stats.statsOf(row.mirror_id))}`;
    return {
      alerts: known?.alerts ?? NO_MEMORY,
      mark,
      stillSinceMs: known?.mark === mark ? known.stillSinceMs : nowMs,
    };
  }

  async #lookAt(
    row: MirrorRow,
    memory: Memory,
    troubledTables: MirrorWatch['troubledTables'],
    nowMs: number,
  ): Promise<AlertMemory> {
    const { stats, limits, mirrors, now, newId } = this.#options;
    const { state, status, mirror_id: mirrorId } = row;
    if (state.tag === 'absent') return memory.alerts;
    const watch: MirrorWatch = {
      status,
      failure: currentFailure(state),
      stats: stats.statsOf(mirrorId),
      troubledTables,
      stillSinceMs: memory.stillSinceMs,
      heardAtMs: stats.heardAtMs(mirrorId),
    };
    const current = mirrorAlerts(watch, limits, nowMs);
    const step = stepAlerts(memory.alerts, current, state.mirror.alerts ?? [], nowMs);
    if (step.raise.length > 0 || step.resolve.length > 0) {
      const raise = step.raise.map((alert) => ({ ...alert, id: newId() }));
      await mirrors.handle(
        mirrorStream(mirrorId),
        { type: 'note_alerts', raise, resolve: step.resolve, now: now() },
        ACTOR,
      );
    }
    return step.memory;
  }
}
