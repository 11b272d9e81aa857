/** Whether every value of one type is kept by a cast to the other. Types as PostgreSQL writes them; when in doubt, no. */
export function isWidening(from: string, to: string): boolean {
  if (WIDER[from]?.includes(to)) return true;
  const before = lengthOf(from);
  const after = lengthOf(to);
  if (before === undefined) return false;
  if (to === 'text' || to === 'character varying') return true;
  return after !== undefined && before <= after;
}

/** The length of `character varying(n)`. */
function lengthOf(type: string): number | undefined {
  const match = /^character varying\((\d+)\)$/.exec(type);
  return match ? Number(match[1]) : undefined;
}

const WIDER: Readonly<Record<string, readonly string[]>> = {
  smallint: ['integer', 'bigint', 'numeric', 'real', 'double precision'],
  integer: ['bigint', 'numeric', 'double precision'],
  bigint: ['numeric'],
  real: ['double precision'],
  'character varying': ['text'],
  text: ['character varying'],
  json: ['text'],
  date: ['timestamp without time zone'],
};
