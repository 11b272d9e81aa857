import { randomUUID } from 'node:crypto';
import type { MirrorSpec, StructureRefusal } from '@bunnydb/contracts';
import { sendCommand } from '@bunnydb/messaging';
import { formatQualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import { keyOf } from '../core/relation-facts.js';
import { type PlaceFindings, type SourcePlace, judgePlaces } from '../core/source-places.js';
import { askLanes } from './ask-lanes.js';
import { MovedTableWatch, type MovedTableWatchOptions } from './moved-table-watch.js';
import { ensureSchemaBookkeeping } from './schema-bookkeeping.js';
import {
  type SourceTableNote,
  isCopyDue,
  noteRecopyDue,
  noteSourceTables,
  readSourceTableNotes,
} from './source-table-book.js';
import {
  SELECT_SOURCE_TABLES,
  SELECT_SOURCE_TABLES_FINGERPRINT,
} from './sql/select-source-tables.js';

export type SourceTableWatchOptions = MovedTableWatchOptions;

/**
 * Watches whether the source's tables are still those that the mirror carries, and whether the publication has all of them. The publication knows tables by their number: one that was dropped
 * and made anew is not in it, nor is a column that was added to a table with a list of columns. What was written before the publication took it in is in no stream, so that the table is
 * copied again; that it has to be is noted at the destination first, so that nothing that dies on the way makes it forgotten:
 *
 *     seen twice ──► note that a copy is due ──► `change_publication` ──► published ──► ask the lanes for a copy ──► not due any more
 *
 * A look that finds everything as it was costs one query at the source.
 */
export class SourceTableWatch {
  readonly #options: SourceTableWatchOptions;
  readonly #moved: MovedTableWatch;
  #numbers: ReadonlySet<number> | undefined;
  #seen = '';
  /** When each unpublished table was seen first: a change of the mirror's own tables passes through such states. */
  #suspects = new Map<string, number>();
  #askedAtMs = -Infinity;
  #notes: readonly StructureRefusal[] = [];

  constructor(options: SourceTableWatchOptions) {
    this.#options = options;
    this.#moved = new MovedTableWatch(options);
  }

  /** The numbers of the mirror's tables at the source: whatever has one of them is no new table. Undefined before the applier has taken up all of them. */
  get numbers(): ReadonlySet<number> | undefined {
    return this.#numbers;
  }

  /** @returns what people should know of. */
  async look(source: pg.Client, destination: pg.Client): Promise<readonly StructureRefusal[]> {
    const { spec } = this.#options;
    const { rows } = await source.query<{ fingerprint: string }>(SELECT_SOURCE_TABLES_FINGERPRINT, [
      spec.publication_name,
    ]);
    const seen = rows[0]?.fingerprint ?? '';
    if (!(await hasTableStates(destination))) return this.#notes;
    await ensureSchemaBookkeeping(destination, { createsSchema: false });
    if (seen === this.#seen && !(await isCopyDue(destination, spec))) return this.#notes;
    const notes = await readSourceTableNotes(destination, spec);
    const places = await readPlaces(source, spec, notes);
    const isTakenUp = places.length === spec.tables.length;
    if (isTakenUp) this.#numbers = numbersOf(places);
    const findings = judgePlaces(places, {
      ownPublication: spec.own_publication,
      takesColumns: spec.options.schema_changes !== 'ignore',
    });
    const isSettled = await this.#settle(destination, places, findings, notes);
    const isTold = await this.#moved.look(source, destination, findings);
    this.#notes = notesOf(findings);
    this.#seen = isSettled && isTold && isTakenUp ? seen : '';
    return this.#notes;
  }

  /** Whether there is nothing left to be done. */
  async #settle(
    destination: pg.Client,
    places: readonly SourcePlace[],
    findings: PlaceFindings,
    notes: ReadonlyMap<string, SourceTableNote>,
  ): Promise<boolean> {
    const { spec } = this.#options;
    const recopied = numbered(findings.recopied.filter((place) => this.#isSure(place, findings)));
    if (recopied.length > 0) await noteRecopyDue(destination, spec, recopied, true);
    const waiting = new Set(findings.recopied.map(({ mapping }) => keyOf(mapping.source)));
    const asIs = places.filter(({ mapping }) => !waiting.has(keyOf(mapping.source)));
    await noteSourceTables(destination, spec, numbered(asIs));
    this.#forgetSuspects(findings);
    if (findings.unpublished.length > 0) {
      if (recopied.length > 0) await this.#askForPublication();
      return false;
    }
    const due = places.filter(
      ({ mapping }) =>
        recopied.some(({ source }) => source === mapping.source) ||
        notes.get(keyOf(mapping.source))?.isRecopyDue === true,
    );
    const ready = due.filter(({ mapping, oid }) => {
      const state = notes.get(keyOf(mapping.source))?.state ?? 'pending';
      return oid !== null && !COPIED_NOW.has(state);
    });
    await askLanes(
      this.#options.messaging,
      spec,
      { action: 'resync', strategy: spec.options.resync_strategy, together: false },
      ready.map(({ mapping }) => formatQualifiedName(mapping.destination)),
    );
    if (ready.length > 0) await noteRecopyDue(destination, spec, numbered(ready), false);
    return ready.length === due.length && findings.recopied.length === recopied.length;
  }

  #isSure(place: SourcePlace, { unpublished }: PlaceFindings): boolean {
    if (!unpublished.includes(place)) return true;
    const key = keyOf(place.mapping.source);
    const now = performance.now();
    const since = this.#suspects.get(key) ?? now;
    this.#suspects.set(key, since);
    return now - since >= SURE_AFTER_MS;
  }

  #forgetSuspects({ unpublished }: PlaceFindings): void {
    const left = new Set(unpublished.map(({ mapping }) => keyOf(mapping.source)));
    for (const key of this.#suspects.keys()) if (!left.has(key)) this.#suspects.delete(key);
  }

  async #askForPublication(): Promise<void> {
    if (performance.now() - this.#askedAtMs < ASK_AGAIN_MS) return;
    const { messaging, spec } = this.#options;
    await sendCommand(messaging, 'capture', {
      v: 1,
      command_id: randomUUID(),
      verb: 'change_publication',
      mirror_id: spec.id,
      body: { spec },
    });
    this.#askedAtMs = performance.now();
  }
}

async function hasTableStates(destination: pg.Client): Promise<boolean> {
  const { rows } = await destination.query<{ exists: boolean }>(
    `select pg_catalog.to_regclass('_bunny.table_state') is not null as exists`,
  );
  return rows[0]?.exists === true;
}

async function readPlaces(
  source: pg.Client,
  spec: MirrorSpec,
  notes: ReadonlyMap<string, SourceTableNote>,
): Promise<readonly SourcePlace[]> {
  const mappings = spec.tables.filter((mapping) => notes.has(keyOf(mapping.source)));
  const known = mappings.map(({ source: name }) => {
    const note = notes.get(keyOf(name));
    return note?.followed ?? note?.noted ?? null;
  });
  const { rows } = await source.query<PlaceRow>(SELECT_SOURCE_TABLES, [
    mappings.map((mapping) => mapping.source.schema),
    mappings.map((mapping) => mapping.source.table),
    known,
    spec.publication_name,
  ]);
  return mappings.flatMap((mapping, index): readonly SourcePlace[] => {
    const row = rows[index];
    const note = notes.get(keyOf(mapping.source));
    if (row === undefined || note === undefined) return [];
    return [
      {
        mapping,
        oid: row.oid,
        noted: note.noted,
        followed: note.followed,
        calledNow:
          row.other_schema === null || row.other_name === null
            ? null
            : { schema: row.other_schema, table: row.other_name },
        isPublished: row.is_published,
        unlisted: row.unlisted,
      },
    ];
  });
}

function numbered(
  places: readonly SourcePlace[],
): readonly { readonly source: SourcePlace['mapping']['source']; readonly oid: number }[] {
  return places.flatMap(({ mapping, oid }) =>
    oid === null ? [] : [{ source: mapping.source, oid }],
  );
}

/** A table that has taken the name of another one is the mirror's, and the other one is new under the name that it has. */
function numbersOf(places: readonly SourcePlace[]): ReadonlySet<number> {
  return new Set(
    places.flatMap(({ oid, noted, followed }) =>
      [oid ?? followed ?? noted].filter((number) => number !== null),
    ),
  );
}

function notesOf({ unpublished }: PlaceFindings): readonly StructureRefusal[] {
  return unpublished.map(({ mapping, isPublished }) => ({
    object: formatQualifiedName(mapping.source),
    reason: isPublished
      ? 'the publication does not have all of its columns yet'
      : 'the publication does not have it',
  }));
}

interface PlaceRow {
  readonly oid: number | null;
  readonly is_published: boolean;
  readonly unlisted: readonly string[];
  readonly other_schema: string | null;
  readonly other_name: string | null;
}

/** A copy that is under way may have begun before the publication was in order. */
const COPIED_NOW: ReadonlySet<string> = new Set(['pending', 'copying', 'resyncing']);
/** Longer than control takes to make a change of the tables known. */
const SURE_AFTER_MS = 1_000;
const ASK_AGAIN_MS = 5_000;
