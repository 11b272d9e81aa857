import type { ColumnComparison } from './destination-table.js';

/**
 * How values of a type are compared where a row is found by all its columns. Types that are not listed are compared by their text,
 * which is right for every type and only slower.
 */
export function comparisonOf(type: {
  readonly typeOid: number;
  readonly isEnum: boolean;
  readonly hasDeterministicCollation: boolean;
}): ColumnComparison {
  if (type.isEnum) return 'equal';
  if (EQUAL_IS_SAME.has(type.typeOid))
    return type.hasDeterministicCollation ? 'equal' : 'equal_and_text';
  return EQUAL_MAY_DIFFER.has(type.typeOid) ? 'equal_and_text' : 'text';
}

/** bool, bytea, "char", name, int8, int2, int4, text, oid, varchar, date, timestamp, timestamptz, uuid. */
const EQUAL_IS_SAME: ReadonlySet<number> = new Set([
  16, 17, 18, 19, 20, 21, 23, 25, 26, 1043, 1082, 1114, 1184, 2950,
]);
/** cidr, float4, float8, macaddr, inet, bpchar, time, interval, timetz, bit, varbit, numeric, jsonb. */
const EQUAL_MAY_DIFFER: ReadonlySet<number> = new Set([
  650, 700, 701, 829, 869, 1042, 1083, 1186, 1266, 1560, 1562, 1700, 3802,
]);
