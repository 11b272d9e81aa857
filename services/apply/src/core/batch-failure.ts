/**
 * What a refused destination transaction calls for: `exact`: something in the rows may be at odds with how they were written, so that
 * row by row may go through, and else names the culprit; `again`: the same may go through now; `hold`: somebody keeps the table from us,
 * and the others shall not wait for that once more; `stop`: the server is not well: trying other statements is no help.
 */
export type Remedy = 'exact' | 'again' | 'hold' | 'stop';

export function remedyOf(sqlstate: string | undefined): Remedy {
  if (sqlstate === undefined) return 'stop';
  if (AGAIN.has(sqlstate)) return 'again';
  if (sqlstate === LOCK_NOT_AVAILABLE) return 'hold';
  return EXACT_CLASSES.has(sqlstate.slice(0, 2)) ? 'exact' : 'stop';
}

/** Serialization failure and deadlock. */
const AGAIN: ReadonlySet<string> = new Set(['40001', '40P01']);
const LOCK_NOT_AVAILABLE = '55P03';
/**
 * Feature not supported, cardinality, data, constraint, dependent objects, triggered action, external routine, syntax or access rule (a
 * changed table, a missing privilege), check option, limits, raised by PL/pgSQL.
 */
const EXACT_CLASSES: ReadonlySet<string> = new Set([
  '0A',
  '21',
  '22',
  '23',
  '27',
  '2B',
  '2F',
  '38',
  '39',
  '42',
  '44',
  '54',
  'P0',
]);
