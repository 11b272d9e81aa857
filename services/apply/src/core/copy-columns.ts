/** A column as one side's catalog has it; types are resolved through domains. */
export interface CopyColumn {
  readonly name: string;
  readonly isGenerated: boolean;
  /** OID of the type under all domains. */
  readonly typeOid: number;
  /** `pg_type.typtype` of that type. */
  readonly typeKind: string;
  /** OID and kind of the element, for an array; 0 and empty otherwise. */
  readonly elementOid: number;
  readonly elementKind: string;
}

export type CopyFormat = 'binary' | 'text';

export type ColumnChoice =
  | { readonly ok: true; readonly columns: readonly string[]; readonly format: CopyFormat }
  | { readonly ok: false; readonly missing: readonly string[] };

/**
 * Which columns are copied, and in which format. Generated columns of either side are left out: the destination computes its own,
 * and the change stream does not carry the source's. A column that the destination lacks is a refusal.
 */
export function chooseColumns(
  source: readonly CopyColumn[],
  destination: readonly CopyColumn[],
  excluded: readonly string[],
): ColumnChoice {
  const targets = new Map(destination.map((column) => [column.name, column]));
  const columns: string[] = [];
  const missing: string[] = [];
  let format: CopyFormat = 'binary';
  for (const column of source) {
    if (column.isGenerated || excluded.includes(column.name)) continue;
    const target = targets.get(column.name);
    if (target === undefined) missing.push(column.name);
    else if (!target.isGenerated) {
      columns.push(column.name);
      if (!isBinarySafe(column, target)) format = 'text';
    }
  }
  return missing.length > 0 ? { ok: false, missing } : { ok: true, columns, format };
}

/**
 * Whether a value's binary form means the same at both ends. It does for the same built-in type on both sides and for enums, whose binary
 * form is the label. It does not where the form holds an OID that differs between databases (arrays of own types, composites, `reg*`) or
 * depends on the version of an extension.
 */
export function isBinarySafe(source: CopyColumn, destination: CopyColumn): boolean {
  if (source.typeKind === 'e') return destination.typeKind === 'e';
  if (source.typeOid !== destination.typeOid) return false;
  if (!isPortable(source.typeOid, source.typeKind)) return false;
  return source.elementOid === 0 || isPortable(source.elementOid, source.elementKind);
}

function isPortable(oid: number, kind: string): boolean {
  return oid < FIRST_GENERATED_OID && PORTABLE_KINDS.has(kind) && !TEXT_ONLY.has(oid);
}

/** OIDs below are assigned by hand in PostgreSQL's sources and the same in every version. */
const FIRST_GENERATED_OID = 10_000;
/** Base types, ranges and multiranges; composites hold the OIDs of their columns. */
const PORTABLE_KINDS = new Set(['b', 'r', 'm']);
/**
 * Built-in types whose binary form is an OID of this database (`reg*`), or that have none, or one that depends on settings, or one
 * that the receiving side refuses for some values (3615: an empty tsquery).
 */
const TEXT_ONLY = new Set([
  24, 2202, 2203, 2204, 2205, 2206, 3734, 3769, 4089, 4096, 4191, 142, 194, 1033, 3615,
]);
