import { STRUCTURE_LIST_MAX, type StructureRefusal } from '@bunnydb/contracts';
import { FailureKind } from '@bunnydb/failure';
import type { Messaging, SessionContext } from '@bunnydb/messaging';
import { toMirrorError } from '@bunnydb/pg-client';
import type pg from 'pg';
import {
  type TablePlace,
  isMadeByPoll,
  releasedTables,
  tablesOfOldShape,
} from '../core/poll-policy.js';
import { RefusedChanges } from '../core/refused-changes.js';
import {
  type StructureChange,
  type StructureDiff,
  droppedBy,
  isExtra,
} from '../core/structure-change.js';
import { placesOf } from '../core/table-places.js';
import { askLanes } from './ask-lanes.js';
import {
  forgetDepartedObjects,
  forgetDroppedObjects,
  readCarriedObjects,
} from './carried-objects.js';
import {
  type CompareOptions,
  type Comparison,
  compareWith,
  noteComparison,
  readSourceStructure,
} from './compare-structure.js';
import type { FollowSessions } from './follow-sessions.js';
import { recopyFormerLabels } from './former-labels.js';
import { IdleShapes } from './idle-shapes.js';
import { makeChange } from './make-change.js';
import type { PeerLinks } from './peer-links.js';
import { settleForeignKeys } from './settle-foreign-keys.js';
import { SELECT_STRUCTURE_FINGERPRINT } from './sql/select-structure-fingerprint.js';
import { noteCopyNeeded } from './source-table-book.js';
import { StreamPatience } from './stream-patience.js';
import { type Agenda, ReadyTables, readAgenda } from './structure-agenda.js';
import { lockStructure, withBuilder } from './structure-session.js';

export interface StructureWatchOptions extends CompareOptions {
  readonly messaging: Messaging;
  readonly follow: FollowSessions;
  readonly links: PeerLinks;
  readonly emit: SessionContext['emit'];
}

/**
 * Keeps the destination's structure the source's while a mirror runs. A look costs one query at either side as long as nothing has changed; the source's tells by a fingerprint
 * of its catalog whether anything was altered. Then both sides are compared in full and, with `schema_changes: auto`, what is safe is made, one change at a
 * time. What was refused is tried again when something has changed, and more and more seldom.
 */
export class StructureWatch {
  readonly #options: StructureWatchOptions;
  readonly #shapes: IdleShapes;
  readonly #patience = new StreamPatience();
  readonly #refused = new RefusedChanges();
  #seen = '';
  #comparedAtMs = -Infinity;
  /** Changes that could not be made at the time; they are tried with the next look. */
  #isUnfinished = false;
  #told = '';
  #notes: readonly StructureRefusal[] = [];
  #last: StructureDiff | undefined;
  readonly #ready: ReadyTables;

  constructor(options: StructureWatchOptions) {
    this.#options = options;
    this.#shapes = new IdleShapes(options);
    this.#ready = new ReadyTables(options.spec);
  }

  /** Differences that are found elsewhere (sequences without privilege) and told with the others. */
  async note(notes: readonly StructureRefusal[]): Promise<void> {
    this.#notes = notes;
    if (this.#last) await this.#tell(this.#last);
  }

  async look(): Promise<void> {
    const { spec, links, messaging } = this.#options;
    const source = await links.source();
    const { rows } = await source.query<{ fingerprint: string }>(SELECT_STRUCTURE_FINGERPRINT, [
      spec.tables.map((table) => table.source.schema),
      spec.tables.map((table) => table.source.table),
    ]);
    const agenda = await readAgenda(await links.destination(), spec);
    if (agenda === undefined) return;
    const ready = this.#ready.among(agenda.tables);
    if (agenda.has_due_keys && agenda.is_consistent === true) await this.#settleKeys();
    if (spec.options.schema_changes === 'ignore' || ready.length === 0) return;
    const isAuto = spec.options.schema_changes === 'auto';
    if (isAuto && ready.some(({ state }) => state === 'error')) {
      await recopyFormerLabels(messaging, spec, source, await links.destination());
    }
    const seen = JSON.stringify([rows[0]?.fingerprint, agenda.is_consistent, ready]);
    const isDue = performance.now() - this.#comparedAtMs >= FULL_INTERVAL_MS;
    const isLeft =
      this.#isUnfinished || this.#isDue(agenda.position) || this.#refused.isDue(performance.now());
    if (seen === this.#seen && !isDue && !isLeft) return;
    if (seen !== this.#seen) this.#refused.clear();
    await this.#compare(ready, agenda, seen);
    this.#seen = seen;
  }

  async #compare(ready: Agenda['tables'], agenda: Agenda, seen: string): Promise<void> {
    const { spec, links, messaging } = this.#options;
    const carried = await readCarriedObjects(await links.destination(), spec);
    const source = await readSourceStructure(this.#options);
    const places = placesOf(spec.tables, source, ready);
    await withBuilder(this.#options, async (client) => {
      const compare = async (
        before?: Comparison,
        changes: readonly StructureChange[] = [],
      ): Promise<Comparison> => {
        const earlier = { known: carried, ...(before && { before }), dropped: droppedBy(changes) };
        const found = await compareWith(source, this.#options, client, earlier);
        await noteComparison(client, spec, found);
        return found;
      };
      let diff = await compare();
      this.#comparedAtMs = performance.now();
      this.#isUnfinished = false;
      if (spec.options.schema_changes === 'auto') {
        const shaped = await this.#shapes.follow(
          await links.source(),
          agenda.position,
          tablesOfOldShape(diff.changes, places),
          seen,
        );
        if (shaped.length > 0) diff = await compare(diff);
        const due = await this.#patience.due(
          await links.source(),
          agenda.position,
          diff.changes,
          places,
        );
        const made = await this.#make(client, due, places, agenda.is_consistent === true);
        if (made.length > 0) diff = await compare(diff, made);
        await this.#tellMade([...shaped, ...made.map(({ kind, object }) => `${kind} ${object}`)]);
        const released = releasedTables(made, diff.changes, places);
        await askLanes(messaging, spec, { action: 'retry', is_automatic: true }, released);
      }
      await forgetDepartedObjects(client, spec);
      // A table that is being copied lacks what it is given afterwards; that is not pending.
      const known = new Set(['', ...places.map((place) => place.table)]);
      this.#last = { ...diff, changes: diff.changes.filter((change) => known.has(change.table)) };
      await this.#tell(this.#last);
    });
  }

  #isDue(position: string | null): boolean {
    return this.#shapes.isDue(position) || this.#patience.isDue(position);
  }

  async #make(
    client: pg.Client,
    changes: readonly StructureChange[],
    places: readonly TablePlace[],
    isConsistent: boolean,
  ): Promise<readonly StructureChange[]> {
    const possible = changes.filter(
      (change) =>
        isMadeByPoll(change, places) &&
        // A row may point to one that has yet to come; the look after the tables have met makes it.
        (isConsistent || change.group !== 'foreign_keys'),
    );
    this.#refused.retain(possible);
    const nowMs = performance.now();
    const wanted = possible.filter(({ id }) => !this.#refused.isWaiting(id, nowMs));
    const made: StructureChange[] = [];
    if (wanted.length === 0 || !(await this.#lock(client))) return made;
    for (const change of wanted) {
      this.#options.signal.throwIfAborted();
      if (change.needsCopy === true) {
        await noteCopyNeeded(client, this.#options.spec, [change.table]);
      }
      const outcome = await makeChange(client, change, this.#options.signal);
      if (outcome.tag === 'made') {
        made.push(change);
        await forgetDroppedObjects(client, this.#options.spec, droppedBy([change]));
      } else if (outcome.tag === 'busy') this.#isUnfinished = true;
      else this.#refused.note(change.id, performance.now(), Math.random());
    }
    return made;
  }

  /** False while a build or a synchronisation is at work: the next look sees what that left. */
  async #lock(client: pg.Client): Promise<boolean> {
    try {
      await lockStructure(client, this.#options.spec);
      return true;
    } catch (error) {
      const failure = toMirrorError(error, { role: 'destination' });
      if (failure.kind !== FailureKind.LockTimeout) throw failure;
      this.#isUnfinished = true;
      return false;
    }
  }

  async #settleKeys(): Promise<void> {
    const settled = await withBuilder(this.#options, async (client) =>
      (await this.#lock(client))
        ? await settleForeignKeys(client, this.#options.spec, this.#options.signal)
        : [],
    );
    await this.#tellMade(settled);
  }

  async #tellMade(made: readonly string[]): Promise<void> {
    if (made.length === 0) return;
    await this.#options.emit('structure_followed', {
      made: made.slice(0, STRUCTURE_LIST_MAX),
      by: 'poll',
    });
  }

  async #tell({ changes, notes }: StructureDiff): Promise<void> {
    const pending = changes.filter((change) => !isExtra(change));
    const body = {
      pending: pending.length,
      objects: [
        ...pending.map((change) => change.object),
        ...[...notes, ...this.#notes].map(({ object, reason }) => `${object}: ${reason}`),
      ].slice(0, STRUCTURE_LIST_MAX),
    };
    const told = JSON.stringify(body);
    if (told === this.#told) return;
    await this.#options.emit('structure_compared', body);
    this.#told = told;
  }
}

const FULL_INTERVAL_MS = 600_000;
