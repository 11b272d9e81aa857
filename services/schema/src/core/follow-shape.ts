import type { NamedColumn } from './column-names.js';
import type { ShapeColumn, SourceColumn, SourceTable, TargetColumn } from './follow-facts.js';

/**
 * Which of the source's columns a mark speaks of. The mark knows names, in the order of attribute numbers; the catalog knows names and numbers, but may be
 * ahead of the stream: a column may be dropped, or called otherwise, by now. Undefined when it cannot be told.
 *
 * @param names what the columns were called when the table was followed last.
 * @param leftOut numbers of columns that the mirror leaves out.
 */
export function matchShape(
  shape: readonly ShapeColumn[],
  source: Pick<SourceTable, 'columns' | 'droppedNumbers'>,
  names: readonly NamedColumn[],
  leftOut: ReadonlySet<number>,
): readonly TargetColumn[] | undefined {
  const { columns } = source;
  const byName = new Map(columns.map((column) => [column.name, column]));
  const byNumber = new Map(columns.map((column) => [column.number, column]));
  const numbers = numbersOf(shape, source, names);
  if (numbers === undefined || !isComplete(numbers, columns, names, leftOut)) return undefined;
  if (mayBeOfDropped(shape, numbers, source, names)) return undefined;
  const targets: TargetColumn[] = [];
  for (const [index, { name, type, typeOid, typeModifier }] of shape.entries()) {
    const number = numbers[index] ?? null;
    const column = (number === null ? byName.get(name) : byNumber.get(number)) ?? null;
    const isUnchanged = column?.typeOid === typeOid && column.typeModifier === typeModifier;
    const known = isUnchanged ? column.type : type;
    if (known === null) return undefined;
    targets.push({ name, type: known, number, column });
  }
  return targets;
}

/**
 * Whether the columns that the mark is said to have are all that there were: a column that lives was there when one with a greater number was. If one is
 * missing, the name of the later one belonged to another column when the mark was made.
 */
function isComplete(
  numbers: readonly (number | null)[],
  columns: readonly SourceColumn[],
  names: readonly NamedColumn[],
  leftOut: ReadonlySet<number>,
): boolean {
  const noted = new Set(names.map((column) => column.number));
  const fresh = numbers.filter((number) => number !== null && !noted.has(number));
  const last = Math.max(0, ...fresh.map((number) => number ?? 0));
  return columns.every(
    ({ number, generation }) =>
      number > last ||
      numbers.includes(number) ||
      noted.has(number) ||
      generation !== 'none' ||
      leftOut.has(number),
  );
}

/**
 * Whether a column that is new to us may have been another one of its name when the mark was made, that has been dropped since: a number before its own
 * is of no column any more, and nobody has seen whose it was; or it was of one that may have got the name first, as another type tells.
 */
function mayBeOfDropped(
  shape: readonly ShapeColumn[],
  numbers: readonly (number | null)[],
  { columns, droppedNumbers }: Pick<SourceTable, 'columns' | 'droppedNumbers'>,
  names: readonly NamedColumn[],
): boolean {
  const noted = new Set(names.map((column) => column.number));
  const dropped = droppedNumbers.filter((number) => !numbers.includes(number));
  return shape.some(({ typeOid, typeModifier }, index) => {
    const number = numbers[index] ?? null;
    if (number === null || noted.has(number)) return false;
    const before = Math.max(0, ...numbers.slice(0, index).map((other) => other ?? 0));
    const between = dropped.filter((other) => other > before && other < number);
    const column = columns.find((known) => known.number === number);
    const isSameType = column?.typeOid === typeOid && column.typeModifier === typeModifier;
    return between.some((other) => !noted.has(other) || !isSameType);
  });
}

/** The attribute number of each column; null where the column is gone and was never noted. */
function numbersOf(
  shape: readonly ShapeColumn[],
  source: Pick<SourceTable, 'columns' | 'droppedNumbers'>,
  names: readonly NamedColumn[],
): readonly (number | null)[] | undefined {
  const { columns } = source;
  const now = new Map(columns.map((column) => [column.name, column.number]));
  const then = new Map(names.map((column) => [column.name, column.number]));
  const ofNow = shape.map(({ name }) => now.get(name) ?? null);
  // Nearly always the catalog is where the stream is.
  if (ofNow.every((number) => number !== null)) {
    if (isAscending(ofNow)) return ofNow;
  }
  const ofThen = shape.map(({ name }) => then.get(name) ?? null);
  const mixed = shape.map((_, index) => {
    const [one, other] = [ofNow[index] ?? null, ofThen[index] ?? null];
    return one === other || other === null ? one : one === null ? other : undefined;
  });
  const settled = settle(mixed, ofNow, ofThen);
  if (settled === undefined) return undefined;
  const noted = new Set(names.map((column) => column.number));
  const unnoted = source.droppedNumbers.filter((number) => !noted.has(number));
  return fillGaps(shape, settled, columns, unnoted);
}

/** Settles names that have moved from one column to another: only one of the two numbers may keep the order. */
function settle(
  mixed: readonly (number | null | undefined)[],
  ofNow: readonly (number | null)[],
  ofThen: readonly (number | null)[],
): readonly (number | null)[] | undefined {
  const settled = [...mixed];
  for (const [index, number] of mixed.entries()) {
    if (number !== undefined) continue;
    const fits = [ofNow[index], ofThen[index]].filter((candidate) =>
      isAscending([
        ...settled.slice(0, index).map((other) => other ?? null),
        candidate ?? null,
        ...mixed.slice(index + 1).map((other) => other ?? null),
      ]),
    );
    if (fits.length !== 1) return undefined;
    settled[index] = fits[0];
  }
  const numbers = settled.map((number) => number ?? null);
  return isAscending(numbers) ? numbers : undefined;
}

/**
 * A name that neither knows was given and taken again in between: the column is told by its place and its type, unless one that is dropped
 * could have had the place, too.
 */
function fillGaps(
  shape: readonly ShapeColumn[],
  numbers: readonly (number | null)[],
  columns: readonly SourceColumn[],
  dropped: readonly number[],
): readonly (number | null)[] | undefined {
  const filled = [...numbers];
  const shapeNames = new Set(shape.map((column) => column.name));
  for (const [index, { typeOid }] of shape.entries()) {
    if (filled[index] !== null) continue;
    const before = Math.max(0, ...filled.slice(0, index).map((number) => number ?? 0));
    const after = filled.slice(index + 1).find((number) => number !== null) ?? Infinity;
    const isBetween = (number: number): boolean => number > before && number < after;
    const candidates = columns.filter(
      (column) =>
        isBetween(column.number) &&
        column.generation === 'none' &&
        column.typeOid === typeOid &&
        !shapeNames.has(column.name),
    );
    const gone = dropped.filter(isBetween);
    const [only] = candidates;
    if (only === undefined) {
      // The next mark knows it by its number then.
      if (gone.length === 1) filled[index] = gone[0] ?? null;
      continue;
    }
    if (candidates.length > 1 || gone.length > 0) return undefined;
    filled[index] = only.number;
  }
  return filled;
}

function isAscending(numbers: readonly (number | null)[]): boolean {
  let last = 0;
  for (const number of numbers) {
    if (number === null) continue;
    if (number <= last) return false;
    last = number;
  }
  return true;
}
