import type { RowReading, RowVersion } from './row-readings.js';

export type Side = 'source' | 'destination';

/** How a row differs at the destination. */
export type Difference = 'is missing' | 'is too many' | 'differs';

/** What became of a followed row: never seen equal, and either it is different, or it changed in every reading on both sides. */
export type Judgement =
  { readonly kind: 'different'; readonly how: Difference } | { readonly kind: 'in_motion' };

interface SideHistory {
  /** The versions of this round. */
  readonly round: Set<string>;
  /** The values that each column had in all rounds. */
  readonly columns: Set<string>[];
  seenPresent: boolean;
  seenAbsent: boolean;
}

const ABSENT = 'absent';

/**
 * What was seen of rows that looked different, on both sides, round after round.
 *
 * A row is _settled_ as soon as one version was seen on both sides in one round: the destination was read after it had caught up with the
 * round's first reading of the source, so an old version that the destination is stuck at does not count.
 *
 * A row that never was is _different_ when it stands still on one side, as a whole or in one column, at something that the other side
 * never showed: what the source does to a row reaches the destination, so a column that changes here has to change there, and one that does not change
 * has to be the same. Only a row whose every disagreeing column moved on both sides is _in motion_: nothing can be said of it.
 */
export class RowHistories {
  readonly #rows: Map<string, Record<Side, SideHistory>>;

  constructor(ids: readonly string[]) {
    this.#rows = new Map(
      ids.map((id) => [id, { source: newHistory(), destination: newHistory() }]),
    );
  }

  /** Those that were not seen equal yet. */
  get left(): string[] {
    return [...this.#rows.keys()];
  }

  note(side: Side, reading: RowReading): void {
    for (const [id, row] of this.#rows) noteVersion(row[side], reading.get(id));
  }

  /** Lets go of the rows that were seen equal in this round. */
  endRound(): void {
    for (const [id, { source, destination }] of this.#rows) {
      if (!areDisjoint(source.round, destination.round)) this.#rows.delete(id);
      source.round.clear();
      destination.round.clear();
    }
  }

  /** What is in motion once cannot be found different later. */
  letGoWhenInMotion(id: string): void {
    if (this.#rows.has(id) && this.judge(id).kind === 'in_motion') this.#rows.delete(id);
  }

  judge(id: string): Judgement {
    const row = this.#rows.get(id);
    if (row === undefined) throw new Error('a row that was seen equal is not judged');
    const { source, destination } = row;
    if (!source.seenAbsent && !destination.seenPresent)
      return { kind: 'different', how: 'is missing' };
    if (!source.seenPresent && !destination.seenAbsent)
      return { kind: 'different', how: 'is too many' };
    const stuck = source.columns.some((values, column) => {
      const others = destination.columns[column];
      return others !== undefined && standsApart(shown(values, source), shown(others, destination));
    });
    return stuck ? { kind: 'different', how: 'differs' } : { kind: 'in_motion' };
  }
}

function newHistory(): SideHistory {
  return { round: new Set(), columns: [], seenPresent: false, seenAbsent: false };
}

function noteVersion(history: SideHistory, version: RowVersion | undefined): void {
  if (version === undefined) {
    history.round.add(ABSENT);
    history.seenAbsent = true;
    return;
  }
  history.round.add(version.join());
  history.seenPresent = true;
  version.forEach((value, column) => (history.columns[column] ??= new Set()).add(value));
}

/** To be gone is one more thing that a column can show. */
function shown(values: ReadonlySet<string>, { seenAbsent }: SideHistory): ReadonlySet<string> {
  return seenAbsent ? new Set([...values, ABSENT]) : values;
}

/** One side stands still at a value that the other never had. */
function standsApart(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  if (left.size > 1 && right.size > 1) return false;
  return areDisjoint(left, right);
}

function areDisjoint(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  return ![...left].some((value) => right.has(value));
}
