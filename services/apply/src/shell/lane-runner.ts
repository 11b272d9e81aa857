/**
 * The lanes of one session: brings tables that are outside the main lane back into it (ADR 0010), beside the main lane.
 *
 *     look ──► take up wishes and ended waits ──► start what the plan says ──► sleep until told, a wait is over, or a lane has ended
 *
 * What is to be done stands in `_bunny.table_state`, and `core/lane-plan.ts` reads it from there; a session that follows a crash does the same.
 * Not kept is only which shadow tables are full: those are filled anew, unless the swap was noted.
 *
 *     copy     pending, copying, resyncing    all that wait share one snapshot; each goes on by itself when it is full
 *     replay   catching_up                    what is parked, then `join`: the main lane takes the rest and sets `running`
 *     swap     resyncing, shadow full         what is parked goes into the shadow, then the schema service exchanges the tables
 *
 * A worked run: `orders` is to be copied again in place. `leave` has it parked from 0/500 on; its copy holds what committed before 0/620, say.
 * Parked changes from before 0/620 are dropped, those after are replayed, the main lane joins it at 0/700.
 *
 * A failure that is a table's own puts it into state `error`, to wait; any other ends `run`, and the session's policy judges it.
 */
import { lanesSubject, lookSubject } from '@bunnydb/contracts';
import { type FailureReport, MirrorError, reportOf } from '@bunnydb/failure';
import { closeSession, connectClient, toMirrorError } from '@bunnydb/pg-client';
import { formatQualifiedName } from '@bunnydb/pg-model';
import { leavesGroup, nextRetryMs, scopeOf } from '../core/lane-failure.js';
import { type LaneStart, nextDueMs, planLanes, signalOf } from '../core/lane-plan.js';
import { noteOf, stepLane } from '../core/lane-state.js';
import { mayBeStructural } from '../core/table-refusal.js';
import { copyApplicationName } from './application-name.js';
import { LaneBook, type LaneChange, type LaneEntry } from './lane-book.js';
import {
  type LaneEvents,
  keepsShadow,
  runCopyLane,
  runReplayLane,
  runSwapLane,
} from './lane-work.js';
import { type LaneSurroundings, LaneWorld } from './lane-world.js';
import { tellParked } from './parked-metrics.js';

interface RunningLane {
  readonly kind: LaneStart['kind'];
  readonly tables: Set<string>;
  readonly stopper: AbortController;
  ended: Promise<void>;
}

export class LaneRunner {
  readonly #surroundings: LaneSurroundings;
  /** By the source names of the tables that they work on. */
  readonly #lanes = new Map<string, RunningLane>();
  #failure: { readonly error: unknown } | undefined;
  #hasToLook = true;
  #wake: () => void = () => undefined;

  constructor(surroundings: LaneSurroundings) {
    this.#surroundings = surroundings;
  }

  /** Says that something in the tables' states has changed. */
  look(): void {
    this.#hasToLook = true;
    this.#wake();
  }

  /** Runs until the session's signal aborts. @throws MirrorError what is no single table's fault. */
  async run(): Promise<void> {
    const { context, destination, messaging, spec, epoch } = this.#surroundings;
    const { signal } = context;
    const client = await connectClient(destination, { role: 'destination', signal });
    const world = new LaneWorld(
      // A session that takes the mirror over ends sessions of this name, too.
      {
        ...this.#surroundings,
        destination: { ...destination, applicationName: copyApplicationName(spec.id) },
      },
      new LaneBook(client, spec, epoch),
    );
    const wakeUp = (): void => this.#wake();
    signal.addEventListener('abort', wakeUp, { once: true });
    const stops = [
      messaging.subscribeJson(lanesSubject(spec.id), () => this.look()),
      messaging.onReconnect(() => this.look()),
      tellParked(world.book, this.#surroundings),
    ];
    try {
      while (!signal.aborted) {
        this.#hasToLook = false;
        const dueMs = await this.#lookOnce(world);
        if (this.#failure) throw this.#failure.error;
        await this.#sleep(dueMs);
      }
    } catch (error) {
      if (!signal.aborted) throw toMirrorError(error, { role: 'destination' });
    } finally {
      for (const stop of stops) stop();
      signal.removeEventListener('abort', wakeUp);
      await this.#stopAll();
      await closeSession(client);
    }
  }

  async #lookOnce(world: LaneWorld): Promise<number | null> {
    // A lane that ends while its row is read may have been read as it was before: it counts as active until the next look, which its end calls for.
    const active = new Set(this.#lanes.keys());
    let entries = await world.book.read();
    // Either may have changed what was read.
    if (await this.#stopOvertaken(entries)) entries = await world.book.read();
    if (await this.#takeUp(world, entries)) entries = await world.book.read();
    const lanesMax = this.#surroundings.spec.options.snapshot_num_tables_in_parallel;
    const starts = planLanes(entries, {
      active,
      filledShadows: new Set(world.shadows.keys()),
      lanesMax: lanesMax - new Set(this.#lanes.values()).size,
    });
    for (const start of starts) this.#start(world, start, entries);
    return nextDueMs(entries);
  }

  /** Ends replays of tables that were taken out of their lane: by the main lane, or by a wish. */
  async #stopOvertaken(entries: readonly LaneEntry[]): Promise<boolean> {
    let hasStopped = false;
    for (const entry of entries) {
      const lane = this.#lanes.get(entry.table);
      if (lane?.kind !== 'replay') continue;
      const isOurs = entry.state.tag === 'catching_up' || entry.state.tag === 'running';
      if (isOurs && !entry.note.asked) continue;
      lane.stopper.abort();
      await lane.ended;
      hasStopped = true;
    }
    return hasStopped;
  }

  /** Moves what a wish or the end of a wait sets in motion; false when there is none. */
  async #takeUp(world: LaneWorld, entries: readonly LaneEntry[]): Promise<boolean> {
    const nowMs = Date.now();
    const wanted = entries.filter((entry) => entry.note.asked ?? signalOf(entry, nowMs));
    if (wanted.length === 0) return false;
    const next = new Map<string, LaneChange>();
    const commit = async (): Promise<void> => {
      await world.book.change(
        wanted.map(({ table }) => table),
        (entry) => {
          const change = this.#changeOf(entry, nowMs);
          if (change?.state) next.set(entry.table, change);
          return change;
        },
      );
    };
    // Only from between two batches may a table leave the main lane.
    const leaves = wanted.some(({ state }) => state.tag === 'running');
    if (leaves) await world.mainLane.leave(commit);
    else await commit();
    for (const [table, { state, reason }] of next) {
      if (!state) continue;
      if (state.tag === 'resyncing') world.shadows.delete(table);
      world.tellState(table, state.tag, reason ? { failure: reason, next_retry_at: null } : {});
    }
    return true;
  }

  #changeOf(entry: LaneEntry, nowMs: number): LaneChange | undefined {
    const signal = signalOf(entry, nowMs);
    const dismissed = { note: { ...entry.note, asked: null } };
    // What a lane is copying just now will be as new as another copy would make it.
    const state =
      signal && !this.#lanes.has(entry.table) ? stepLane(entry.state, signal) : undefined;
    if (!state || state.tag === 'refused' || state === entry.state)
      return entry.note.asked ? dismissed : undefined;
    return {
      state,
      note: noteOf(state, dismissed.note),
      reason: signal?.tag === 'hold' ? heldByPerson(entry.table) : null,
      nextRetryAtMs: null,
      ...(entry.note.asked ? { attempts: 0 } : {}),
      ...(signal?.tag === 'resync' ? { copyLsn: null } : {}),
    };
  }

  #start(world: LaneWorld, start: LaneStart, entries: readonly LaneEntry[]): void {
    const tables = new Set(start.kind === 'replay' ? [start.table] : start.tables);
    const own = entries.filter(({ table }) => tables.has(table));
    const lane: RunningLane = {
      kind: start.kind,
      tables,
      stopper: new AbortController(),
      ended: Promise.resolve(),
    };
    for (const table of tables) this.#lanes.set(table, lane);
    const { signal } = this.#surroundings.context;
    const stop = (): void => lane.stopper.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    lane.ended = this.#work(world, lane, own).finally(() => {
      signal.removeEventListener('abort', stop);
      for (const table of lane.tables) this.#lanes.delete(table);
      this.look();
    });
  }

  /** Never rejects: what is no table's own becomes the runner's failure. */
  async #work(world: LaneWorld, lane: RunningLane, entries: readonly LaneEntry[]): Promise<void> {
    const failing: Promise<void>[] = [];
    const letGo = (table: string): void => {
      lane.tables.delete(table);
      this.#lanes.delete(table);
      this.look();
    };
    const events: LaneEvents = {
      onDone: letGo,
      onFailed: (table, error) => {
        failing.push(this.#fail(world, table, error, 'own').then(() => letGo(table)));
      },
    };
    const { signal } = lane.stopper;
    try {
      await this.#run(world, lane.kind, entries, events, signal);
    } catch (error) {
      if (!signal.aborted) await this.#judge(world, lane, entries, error);
    }
    await Promise.all(failing);
  }

  async #run(
    world: LaneWorld,
    kind: LaneStart['kind'],
    entries: readonly LaneEntry[],
    events: LaneEvents,
    signal: AbortSignal,
  ): Promise<void> {
    switch (kind) {
      case 'copy':
        return await runCopyLane(world, entries, events, signal);
      case 'swap':
        return await runSwapLane(world, entries, events, signal);
      case 'replay':
        for (const entry of entries) await runReplayLane(world, entry, signal);
    }
  }

  async #judge(
    world: LaneWorld,
    lane: RunningLane,
    entries: readonly LaneEntry[],
    error: unknown,
  ): Promise<void> {
    // Whether the schema service answers is no matter to the main lane.
    const isTables = lane.kind === 'swap' && keepsShadow(error);
    if (!isTables && scopeOf(reportOf(error).kind) === 'session') {
      this.#failure ??= { error };
      return;
    }
    const culprit = lane.kind === 'swap' ? culpritOf(error, entries) : undefined;
    if (culprit === undefined)
      for (const table of lane.tables) await this.#fail(world, table, error, 'shared');
    else await this.#fail(world, culprit, error, 'own');
  }

  /** Puts a table into state `error`, for a fault of its own or for one that it shares with all of its lane. Never rejects. */
  async #fail(
    world: LaneWorld,
    table: string,
    error: unknown,
    fault: 'own' | 'shared',
  ): Promise<void> {
    const failure = reportOf(error);
    const keeps = keepsShadow(error);
    if (!keeps) world.shadows.delete(table);
    try {
      let retryAtMs: number | null = null;
      let isLeftBehind = false;
      const changed = await world.book.change([table], (entry): LaneChange | undefined => {
        const attempts = entry.attempts + 1;
        const leaves = fault === 'own' && !keeps && leavesGroup(failure.kind, attempts);
        const signal = { tag: 'failed', keepsShadow: keeps, leavesGroup: leaves } as const;
        const state = stepLane(entry.state, signal);
        if (state.tag === 'refused') return undefined;
        isLeftBehind = leaves && entry.state.tag === 'resyncing' && entry.state.resync.together;
        const now = { nowMs: Date.now(), random: Math.random() };
        retryAtMs = nextRetryMs(failure.kind, attempts, now);
        const change = { state, attempts, nextRetryAtMs: retryAtMs, reason: failure };
        const isCopiedAnew = state.tag === 'error' && state.goesOnAs.tag === 'resyncing' && !keeps;
        return {
          ...change,
          note: noteOf(state, entry.note),
          ...(isCopiedAnew ? { copyLsn: null } : {}),
        };
      });
      if (changed.length === 0) return;
      // A structure that is not like the source's may be why, and a comparison may mend it before the next try.
      const { messaging, spec } = this.#surroundings;
      if (error instanceof MirrorError && mayBeStructural(error))
        messaging.publishJson(lookSubject(spec.id), {});
      const at = retryAtMs === null ? null : new Date(retryAtMs).toISOString();
      const left = isLeftBehind ? { is_left_behind: true as const } : {};
      world.tellState(table, 'error', { failure, next_retry_at: at, ...left });
    } catch (second) {
      this.#failure ??= { error: second };
    }
  }

  async #stopAll(): Promise<void> {
    const lanes = [...new Set(this.#lanes.values())];
    for (const lane of lanes) lane.stopper.abort();
    await Promise.all(lanes.map((lane) => lane.ended));
  }

  async #sleep(dueMs: number | null): Promise<void> {
    const { signal } = this.#surroundings.context;
    if (this.#hasToLook || signal.aborted) return;
    const waitMs = Math.min(dueMs === null ? Infinity : dueMs - Date.now(), LOOK_INTERVAL_MS);
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, Math.max(0, waitMs));
    });
    clearTimeout(timer);
  }
}

/** Whose fault it is that a swap of several tables did not come about, if the failure names one of them. */
function culpritOf(error: unknown, entries: readonly LaneEntry[]): string | undefined {
  const { table } = reportOf(error).detail;
  return entries.find(({ mapping }) => formatQualifiedName(mapping.destination) === table)?.table;
}

function heldByPerson(table: string): FailureReport {
  return reportOf(new MirrorError('table_on_hold', 'held on request', { detail: { table } }));
}

/** A word to look may be lost. */
const LOOK_INTERVAL_MS = 30_000;
