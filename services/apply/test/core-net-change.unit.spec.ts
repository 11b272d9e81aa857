import fc from 'fast-check';
import { escapeCopyValue, splitCopyLine } from '@bunnydb/pg-model';
import { describe, expect, it } from 'vitest';
import { type NetChange, netChange } from '../src/core/net-change.js';
import { type Model, randomChanges, randomNumbers } from './random-changes.js';
import { type Change, KEPT, SourceTable } from './stream-writer.js';

const items = new SourceTable('items', ['id', 'a', 'b']);
const PLACES = { columns: [0], old: [0], columnCount: 3 };
const KEPT_ALL = [true, true, true];

/** The parts of one batch, rows with and without old keys apart as capture keeps them. */
function partsOf(changes: readonly Change[]): Parameters<typeof netChange>[0] {
  const lines = { plain: '', old: '' };
  changes.forEach((change, index) => {
    const unchanged = change.row.flatMap((value, at) => (value === KEPT ? [at + 1] : []));
    const fields = [...change.row, ...(change.old ?? [])].map((value) =>
      escapeCopyValue(value === null || value === KEPT ? null : String(value)),
    );
    lines[change.old ? 'old' : 'plain'] +=
      `${[change.op, index + 1, unchanged.join() || '\\N', ...fields].join('\t')}\n`;
  });
  const part = (text: string, hasOld: boolean) => ({
    payload: Buffer.from(text),
    hasOld,
    batchOrder: 0,
  });
  return [part(lines.plain, false), part(lines.old, true)].filter(
    ({ payload }) => payload.length > 0,
  );
}

function linesOf(pieces: readonly Uint8Array[]): (string | null)[][] {
  const text = Buffer.concat(pieces).toString();
  return text === '' ? [] : text.slice(0, -1).split('\n').map(splitCopyLine);
}

/** What the set-based statements do: deletes, then updates, then inserts. */
function applyNet(model: Model, net: NetChange): void {
  const staged = linesOf([...net.plain.pieces, ...net.withOld.pieces]);
  for (const [op, , , id] of staged) if (op === 'D') model.delete(Number(id));
  const moves = staged.filter(([op]) => op === 'U');
  const rows = moves.map(([, , unchanged, id, a, b, old]) => {
    const from = Number(old ?? id);
    const before = model.get(from);
    if (!before) throw new Error(`no row ${from} to update`);
    const kept = (unchanged ?? '').split(',');
    return {
      from,
      id: Number(id),
      row: [
        kept.includes('2') ? before[0] : (a ?? null),
        kept.includes('3') ? before[1] : (b ?? null),
      ] as const,
    };
  });
  for (const { from } of rows) model.delete(from);
  for (const { id, row } of rows) model.set(id, row);
  for (const [id, a, b] of linesOf([net.inserted])) {
    if (model.has(Number(id))) throw new Error(`row ${id} is there already`);
    model.set(Number(id), [a ?? null, b ?? null]);
  }
}

function net(...changes: Change[]): NetChange | undefined {
  return netChange(partsOf(changes), PLACES, KEPT_ALL);
}

describe('netting changes', () => {
  it('leads to the same table as the changes one by one', () => {
    let netted = 0;
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 3, max: 60 }),
        (seed, count, keys) => {
          const random = randomNumbers(seed);
          const model: Model = new Map();
          randomChanges(items, model, 20, random, keys);
          const mirror: Model = new Map(model);
          const changes = randomChanges(items, model, count, random, keys);
          const result = net(...changes);
          if (!result) return;
          netted += 1;
          applyNet(mirror, result);
          expect(new Map([...mirror].sort())).toEqual(new Map([...model].sort()));
        },
      ),
      { numRuns: 500 },
    );
    expect(netted).toBeGreaterThan(50);
  });

  it('hands a payload on in one piece when every key is changed once', () => {
    const result = net(
      items.update(1, 'a', null),
      items.update(2, 'b', null),
      items.delete(3, null, null),
    );
    expect(result?.plain).toMatchObject({ updates: 2, deletes: 1, hasUnchanged: false });
    expect(result?.plain.pieces).toHaveLength(1);
  });

  it('leaves nothing of a row that came and went', () => {
    const result = net(
      items.insert(1, 'a', 'b'),
      items.update(1, 'c', KEPT),
      items.delete(1, null, null),
    );
    expect(result).toMatchObject({ inserts: 0, plain: { updates: 0, deletes: 0 } });
  });

  it('deletes and inserts a row whose key was used again', () => {
    const result = net(
      items.update(1, 'a', 'b'),
      items.delete(1, null, null),
      items.insert(1, 'c', 'd'),
    );
    expect(result).toMatchObject({ inserts: 1, plain: { updates: 0, deletes: 1 } });
  });

  it('takes a lone move, and refuses one that meets another change', () => {
    expect(net(items.updateFrom([1], 2, 'a', 'b'))).toMatchObject({
      hasMoved: true,
      withOld: { updates: 1 },
    });
    expect(net(items.updateFrom([1], 2, 'a', 'b'), items.update(2, 'c', 'd'))).toBeUndefined();
    expect(net(items.delete(2, null, null), items.updateFrom([1], 2, 'a', 'b'))).toBeUndefined();
    expect(net(items.updateFrom([1], 2, 'a', 'b'), items.insert(1, 'c', 'd'))).toBeUndefined();
  });

  it('takes an update that carries its old key unchanged for what it is', () => {
    expect(net(items.updateFrom([1], 1, 'a', 'b'))).toMatchObject({
      hasMoved: false,
      withOld: { updates: 1 },
    });
  });

  it('refuses a history that contradicts itself', () => {
    expect(net(items.insert(1, 'a', 'b'), items.insert(1, 'a', 'b'))).toBeUndefined();
    expect(net(items.delete(1, null, null), items.update(1, 'a', 'b'))).toBeUndefined();
  });
});
