import { describe, expect, it } from 'vitest';
import { RowHistories } from '../src/row-history.js';
import type { RowVersion } from '../src/row-readings.js';

const reading = (version: RowVersion | undefined) =>
  new Map(version === undefined ? [] : [['row', version]]);

/** Rounds of versions; a round is those of the source and those of the destination. */
function judged(
  ...rounds: readonly (readonly [
    readonly (RowVersion | undefined)[],
    readonly (RowVersion | undefined)[],
  ])[]
): string {
  const histories = new RowHistories(['row']);
  for (const [source, destination] of rounds) {
    for (const version of source) histories.note('source', reading(version));
    for (const version of destination) histories.note('destination', reading(version));
    histories.endRound();
  }
  if (histories.left.length === 0) return 'settled';
  const judgement = histories.judge('row');
  return judgement.kind === 'different' ? judgement.how : judgement.kind;
}

const gone = undefined;

describe('what becomes of a row that looked different', () => {
  it('is settled by one version on both sides in one round', () => {
    expect(
      judged([
        [['1'], ['2']],
        [['3'], ['2']],
      ]),
    ).toBe('settled');
    expect(judged([[['1']], [['2']]], [[gone], [gone]])).toBe('settled');
  });

  it('is not settled by a version that the source had in an earlier round', () => {
    expect(judged([[['old']], [['x']]], [[['new']], [['old']]])).not.toBe('settled');
  });

  it.each([
    ['differs', [['a'], ['b']], [['x'], ['x']]],
    ['differs', [['a'], ['a']], [['x'], ['y']]],
    ['is missing', [['a'], ['b']], [gone, gone]],
    ['is too many', [gone, gone], [['x'], ['y']]],
    [
      'differs',
      [
        ['1', 'quiet'],
        ['2', 'quiet'],
      ],
      [
        ['3', 'wrong'],
        ['4', 'wrong'],
      ],
    ],
    [
      'in_motion',
      [
        ['1', 'same'],
        ['2', 'same'],
      ],
      [
        ['3', 'same'],
        ['4', 'same'],
      ],
    ],
    ['in_motion', [['a'], gone], [['x'], ['y']]],
  ] as const)('is "%s" when the source shows %j and the destination %j', (wanted, here, there) => {
    const rounds = here.map((version, round) => [[version], [there[round]]] as const);
    expect(judged(...rounds)).toBe(wanted);
  });

  it('is not judged by a column in which both sides once agreed', () => {
    expect(judged([[['1', 'a']], [['9', 'a']]], [[['2', 'b']], [['8', 'a']]])).toBe('in_motion');
  });
});
