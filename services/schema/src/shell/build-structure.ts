import type { StructureRefusal } from '@bunnydb/contracts';
import type { MirrorError } from '@bunnydb/failure';
import { faultPoint } from '@bunnydb/failure';
import { quoteQualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import { buildPhases, isBuilt } from '../core/build-phases.js';
import { wantsSequences } from '../core/diff-options.js';
import { keyOf } from '../core/relation-facts.js';
import { type StructureChange, isExtra } from '../core/structure-change.js';
import type { StructureModel } from '../core/structure-model.js';
import { placesOf } from '../core/table-places.js';
import { forgetDepartedObjects } from './carried-objects.js';
import { carrySequences } from './carry-sequences.js';
import { noteFirstColumnNames } from './column-names.js';
import {
  type CompareOptions,
  type Comparison,
  compareWith,
  noteComparison,
  readSourceStructure,
} from './compare-structure.js';
import { makeChange } from './make-change.js';
import { noteBuiltTables, readBuiltTables } from './schema-bookkeeping.js';
import { lockStructure, withBuilder } from './structure-session.js';
import { IndexBuildWatch } from './watch-index-builds.js';
import { waitUntilConsistent } from './wait-until-consistent.js';

export interface BuildProgress {
  readonly done: number;
  readonly total: number;
  readonly object: string;
  /** How far the object itself is, in words, where the server tells. */
  readonly detail?: string;
}

export interface BuildOptions extends CompareOptions {
  readonly onProgress: (progress: BuildProgress) => void;
}

export interface BuildResult {
  readonly built: readonly string[];
  readonly skipped: readonly StructureRefusal[];
  readonly failed: readonly StructureRefusal[];
  readonly seconds: number;
}

/**
 * Gives the destination what its tables were made without, while changes are applied to them. It asks what is missing rather than remember what was done, so a
 * run that was cut off goes on where it stopped:
 *
 * 1. the extensions that indexes need;
 * 2. keys and unique indexes, then the other indexes: built beside writers, several tables at a time;
 * 3. ANALYZE, so that the checks of foreign keys are planned well;
 * 4. checks, then foreign keys: first for new rows only, then for all;
 * 5. the positions of sequences.
 *
 * What the data or the mapping do not allow is told and the rest is made all the same. What is there is left alone, also where it differs.
 *
 * @throws MirrorError when a server fails or locks could not be had: what is left is made by the next try.
 */
export async function buildStructure(options: BuildOptions): Promise<BuildResult> {
  const startedAt = performance.now();
  return await withBuilder(options, async (client) => {
    await lockStructure(client, options.spec);
    const source = await readSourceStructure(options);
    const roots = source.relations.filter((relation) => relation.isRoot);
    await noteFirstColumnNames(client, options.spec, roots);
    const comparison = await compareWith(source, options, client);
    const { changes, notes } = comparison;
    const isAsked = await askedTables(client, options, source);
    const wanted = changes.filter((change) => isBuilt(change) && isAsked(change));
    const run = new BuildRun(options, wanted.length);
    for (const phase of buildPhases(wanted)) {
      if (phase.name === 'validate')
        await waitUntilConsistent(client, options.spec, options.signal);
      await run.makePhase(client, phase.byTable, phase.isParallel);
      if (phase.name === 'indexes') await analyze(client, options);
    }
    if (wantsSequences(options.spec)) await carrySequences(options, client);
    if (run.busy) throw run.busy;
    if (await noteBuiltTables(client, options.spec)) {
      await noteCarried(client, options, comparison, run.built.length > 0);
    }
    const left = changes.filter((change) => !isBuilt(change) && !isExtra(change));
    return {
      built: run.built,
      skipped: [...notes, ...run.skipped, ...left.map(refusalOf)],
      failed: run.failed,
      seconds: Math.round((performance.now() - startedAt) / 100) / 10,
    };
  });
}

/**
 * Whether a change is this build's to make. Where changes of structure are for people, a table gets what the source has when it comes into the mirror, and nothing of that when another one comes,
 * or when it is copied again.
 */
async function askedTables(
  client: pg.Client,
  { spec }: BuildOptions,
  source: StructureModel,
): Promise<(change: StructureChange) => boolean> {
  if (spec.options.schema_changes === 'auto') return () => true;
  const built = await readBuiltTables(client, spec);
  const fresh = spec.tables.flatMap((table) =>
    built.has(keyOf(table.source)) ? [] : [{ ...table.source, state: '' }],
  );
  const places = new Set(placesOf(spec.tables, source, fresh).map(({ table }) => table));
  return ({ table }) => (table === '' ? fresh.length > 0 : places.has(table));
}

/** Notes what the destination has from the source, of which much has just been made. */
async function noteCarried(
  client: pg.Client,
  options: BuildOptions,
  before: Comparison,
  isChanged: boolean,
): Promise<void> {
  const { spec } = options;
  const now = isChanged ? await compareWith(before.source, options, client, { before }) : before;
  await noteComparison(client, spec, now);
  await forgetDepartedObjects(client, spec);
}

/** What a build has done so far. */
class BuildRun {
  readonly built: string[] = [];
  readonly skipped: StructureRefusal[] = [];
  readonly failed: StructureRefusal[] = [];
  busy: MirrorError | undefined;
  readonly #options: BuildOptions;
  readonly #total: number;
  readonly #notMade = new Set<string>();
  readonly #watch: IndexBuildWatch;
  #done = 0;

  constructor(options: BuildOptions, total: number) {
    this.#options = options;
    this.#total = total;
    this.#watch = new IndexBuildWatch(options, (object, detail) =>
      options.onProgress({ done: this.#done, total, object, detail }),
    );
  }

  /** Changes of one table one after the other, several tables at a time. */
  async makePhase(
    client: pg.Client,
    byTable: readonly (readonly StructureChange[])[],
    isParallel: boolean,
  ): Promise<void> {
    const queue = [...byTable];
    const work = async (session: pg.Client): Promise<void> => {
      for (let changes = queue.shift(); changes; changes = queue.shift()) {
        for (const change of changes) await this.#make(session, change);
      }
    };
    const workers = isParallel ? Math.min(this.#workersMax(), queue.length) : 1;
    const others = Array.from({ length: Math.max(0, workers - 1) }, () =>
      withBuilder(this.#options, work),
    );
    // All have to end before the phase does, and the first failure is the one to tell.
    const results = await Promise.allSettled([work(client), ...others]);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async #make(client: pg.Client, change: StructureChange): Promise<void> {
    const { object } = change;
    this.#options.signal.throwIfAborted();
    this.#options.onProgress({ done: this.#done, total: this.#total, object });
    if (this.#notMade.has(object)) {
      this.skipped.push({ object, reason: `${change.kind}: what it builds on could not be made` });
    } else {
      const outcome = await this.#watch.during(client, object, () =>
        makeChange(client, change, this.#options.signal),
      );
      if (outcome.tag === 'made') this.built.push(`${change.kind} ${object}`);
      else {
        this.#notMade.add(object);
        if (outcome.tag === 'busy') this.busy ??= outcome.error;
        else this.failed.push({ object, reason: `${change.kind}: ${outcome.reason}` });
      }
      faultPoint('schema.between_changes');
    }
    this.#done += 1;
  }

  #workersMax(): number {
    return Math.min(WORKERS_MAX, this.#options.spec.options.snapshot_max_parallel_workers);
  }
}

async function analyze(client: pg.Client, { spec, signal }: BuildOptions): Promise<void> {
  await client.query(`set lock_timeout = '10s'`);
  for (const { destination } of spec.tables) {
    signal.throwIfAborted();
    // A table that is locked is analyzed by autovacuum sooner or later.
    await client.query(`analyze (skip_locked) ${quoteQualifiedName(destination)}`);
  }
}

function refusalOf(change: StructureChange): StructureRefusal {
  return { object: change.object, reason: `${change.reason}; sync-schema changes it` };
}

/** Building an index is work for a core and a disk of the destination, which has to apply meanwhile. */
const WORKERS_MAX = 4;
