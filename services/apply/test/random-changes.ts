import { type Change, KEPT, type SourceTable, type Value } from './stream-writer.js';

/** A small generator of repeatable random numbers (mulberry32). */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** A table as the source would have it: key → the other columns. */
export type Model = Map<number, readonly [string | null, string | null]>;

/**
 * Makes a history of changes that a source could have: inserts of free keys, updates (with values kept, with the key moved) and deletes of taken
 * ones, over few keys so that they meet often; and applies it to the model.
 */
export function randomChanges(
  table: SourceTable,
  model: Model,
  count: number,
  random: (below: number) => number,
  keys = 12,
): Change[] {
  const value = (): string | null =>
    [null, '', '\\N', 'tab\there', 'line\nbreak', 'back\\slash', '\r', 'ünï', `v${random(1000)}`][
      random(9)
    ] ?? null;
  const isFull = table.identity === 'f';
  return Array.from({ length: count }, () => {
    const id = random(keys);
    const row = model.get(id);
    if (!row) {
      const fresh = [value(), value()] as const;
      model.set(id, fresh);
      return table.insert(id, ...fresh);
    }
    if (random(4) === 0) {
      model.delete(id);
      return isFull ? table.delete(id, ...row) : table.delete(id, null, null);
    }
    const isKept = random(3) === 0;
    const next = [value(), isKept ? row[1] : value()] as const;
    const sent: Value[] = [next[0], isKept ? KEPT : next[1]];
    const target = random(keys);
    const isMoved = random(5) === 0 && !model.has(target);
    if (isMoved) model.delete(id);
    model.set(isMoved ? target : id, next);
    const newId = isMoved ? target : id;
    if (isFull) return table.updateFrom([id, ...row], newId, ...sent);
    return isMoved ? table.updateFrom([id], newId, ...sent) : table.update(newId, ...sent);
  });
}
