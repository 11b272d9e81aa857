/** Whether every value of one type is kept by a cast to the other. Types as PostgreSQL writes them; when in doubt, no. */
export function isWidening(from: string, to: string): boolean {
  if (WIDER[from]?.includes(to)) return true;
  if (isModifierWidening(from, to)) return true;
  return VARYING.test(from) && UNBOUNDED.has(to);
}

/** Whether PostgreSQL changes the type in its catalog only, so that it takes no longer for a large table than for a small one. */
export function isRewriteFree(from: string, to: string): boolean {
  const isText = (type: string): boolean => UNBOUNDED.has(type);
  if (isText(to) && (isText(from) || VARYING.test(from))) return true;
  if (!isModifierWidening(from, to)) return false;
  const [before, after] = [parseModifier(from), parseModifier(to)];
  if (before?.base !== 'numeric') return true;
  // Another scale changes how a value is stored.
  return after?.modifiers.length === 0 || after?.modifiers[1] === before.modifiers[1];
}

/**
 * Whether a column of type `have` takes the text of every value of type `come`. Rows travel as text, so that text takes anything.
 */
export function takesValuesOf(have: string, come: string): boolean {
  return have === come || UNBOUNDED.has(have) || isWidening(come, have);
}

/** Whether the types differ in their modifier only, and the other's lets every value through. */
function isModifierWidening(from: string, to: string): boolean {
  const [before, after] = [parseModifier(from), parseModifier(to)];
  if (before === undefined || after?.base !== before.base) return false;
  const [size, scale = 0] = before.modifiers;
  const [otherSize, otherScale = 0] = after.modifiers;
  // Without a modifier everything fits.
  if (size === undefined) return false;
  if (otherSize === undefined) return true;
  if (before.base !== 'numeric') return size <= otherSize;
  return scale <= otherScale && size - scale <= otherSize - otherScale;
}

/** A type whose modifier bounds its values without changing them. */
function parseModifier(
  type: string,
): { readonly base: string; readonly modifiers: readonly number[] } | undefined {
  const match =
    /^(character varying|bit varying|numeric|timestamp|time)(?:\((\d+)(?:,(-?\d+))?\))?( with(?:out)? time zone)?$/.exec(
      type,
    );
  if (match === null) return undefined;
  const [, name = '', size, scale, zone = ''] = match;
  const modifiers = [size, scale].flatMap((text) => (text === undefined ? [] : [Number(text)]));
  return { base: `${name}${zone}`, modifiers };
}

const UNBOUNDED: ReadonlySet<string> = new Set(['text', 'character varying']);
const VARYING = /^character varying(\(\d+\))?$/;

const WIDER: Readonly<Record<string, readonly string[]>> = {
  smallint: ['integer', 'bigint', 'numeric', 'real', 'double precision', 'text'],
  integer: ['bigint', 'numeric', 'double precision', 'text'],
  bigint: ['numeric', 'text'],
  numeric: ['text'],
  real: ['double precision'],
  'character varying': ['text'],
  text: ['character varying'],
  json: ['text'],
  jsonb: ['text'],
  uuid: ['text'],
  date: ['timestamp without time zone', 'text'],
};
