import type { MirrorSpec, StructureRefusal } from '@bunnydb/contracts';
import { formatQualifiedName, quoteQualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import {
  type SequencePosition,
  advanceOf,
  nextHeadRoom,
  nextPosition,
} from '../core/sequence-position.js';
import { type CompareOptions } from './compare-structure.js';
import { withPeer } from './peer-session.js';
import { MOVE_SEQUENCES } from './sql/move-sequences.js';
import { SELECT_SEQUENCE_VALUES } from './sql/select-sequence-values.js';

/** Sets the destination's sequences to the source's positions once, with head-room. */
export async function carrySequences(options: CompareOptions, client: pg.Client): Promise<number> {
  const { spec, openSecret, signal } = options;
  const follower = new SequenceFollower(spec);
  const { moved } = await withPeer(
    { peer: spec.source, role: 'source', openSecret, signal },
    (source) => follower.follow(source, client),
  );
  return moved;
}

export interface SequencesFollowed {
  readonly moved: number;
  /** Sequences that the user of a side may not read or move. */
  readonly notes: readonly StructureRefusal[];
}

/**
 * Keeps a mirror's sequences at the destination ahead of the source's; remembers how fast each of them goes. They are told apart by the column that they
 * serve, since their names may differ. A look costs one statement at either side, and one more when some have to be moved.
 */
export class SequenceFollower {
  readonly #spec: MirrorSpec;
  readonly #seen = new Map<string, { readonly at: SequencePosition; readonly headRoom: bigint }>();

  constructor(spec: MirrorSpec) {
    this.#spec = spec;
  }

  async follow(source: pg.Client, destination: pg.Client): Promise<SequencesFollowed> {
    const theirs = await readPositions(source, this.#spec, 'source');
    if (theirs.size === 0) return { moved: 0, notes: [] };
    const ours = await readPositions(destination, this.#spec, 'destination');
    const notes: StructureRefusal[] = [];
    const moves = new Map<string, string>();
    for (const [key, position] of theirs) {
      const target = ours.get(key);
      if (target === undefined) continue;
      if (!position.is_permitted) notes.push(notPermitted(position, 'SELECT', 'source'));
      if (!target.is_permitted) notes.push(notPermitted(target, 'UPDATE', 'destination'));
      if (!position.is_permitted || !target.is_permitted) continue;
      const value = nextPosition(position, target, this.#headRoomOf(key, position));
      const name = quoteQualifiedName({ schema: target.schema, table: target.name });
      if (value !== null && !moves.has(name)) moves.set(name, value);
    }
    if (moves.size > 0) {
      await destination.query(MOVE_SEQUENCES, [[...moves.keys()], [...moves.values()]]);
    }
    return { moved: moves.size, notes };
  }

  #headRoomOf(key: string, at: SequencePosition): bigint {
    const before = this.#seen.get(key);
    const headRoom = nextHeadRoom(
      before?.headRoom ?? 0n,
      before === undefined ? 0n : advanceOf(before.at, at),
    );
    this.#seen.set(key, { at, headRoom });
    return headRoom;
  }
}

async function readPositions(
  client: pg.Client,
  spec: MirrorSpec,
  side: 'source' | 'destination',
): Promise<ReadonlyMap<string, SequenceRow>> {
  const names = spec.tables.map((table) => table[side]);
  const { rows } = await client.query<SequenceRow>(SELECT_SEQUENCE_VALUES, [
    names.map((name) => name.schema),
    names.map((name) => name.table),
    side === 'source' ? 'SELECT' : 'UPDATE',
  ]);
  const counts = new Map<string, number>();
  return new Map(
    rows.map((row) => {
      const column = `${row.table_no}\0${row.column_name}`;
      const no = counts.get(column) ?? 0;
      counts.set(column, no + 1);
      return [`${column}\0${no}`, row] as const;
    }),
  );
}

function notPermitted(
  sequence: SequenceRow,
  privilege: string,
  side: 'source' | 'destination',
): StructureRefusal {
  const object = formatQualifiedName({ schema: sequence.schema, table: sequence.name });
  return {
    object,
    reason: `the sequence does not follow: the user of the ${side} needs ${privilege} on it`,
  };
}

interface SequenceRow extends SequencePosition {
  readonly table_no: number;
  readonly column_name: string;
  readonly schema: string;
  readonly name: string;
  readonly is_permitted: boolean;
}
