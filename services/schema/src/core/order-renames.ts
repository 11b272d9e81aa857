/** A column or a label of an enum that gets another name. */
export interface Rename {
  readonly from: string;
  readonly to: string;
  /** What the name is noted under: a column's attribute number, a label's OID; null for one that is in between. */
  readonly number: number | null;
}

/** Each rename after the one that frees its name; a circle is opened by a name in between. */
export function orderRenames(
  wanted: readonly Rename[],
  present: ReadonlySet<string>,
): readonly Rename[] {
  const taken = new Set(present);
  const waiting = [...wanted];
  const ordered: Rename[] = [];
  const make = (rename: Rename): void => {
    ordered.push(rename);
    taken.delete(rename.from);
    taken.add(rename.to);
  };
  while (waiting.length > 0) {
    const free = waiting.findIndex((rename) => !taken.has(rename.to));
    const [next] = waiting.splice(Math.max(free, 0), 1);
    if (next === undefined) break;
    if (free >= 0) {
      make(next);
      continue;
    }
    const between = freeName(`${next.from}_renamed`, taken);
    make({ from: next.from, to: between, number: null });
    waiting.push({ ...next, from: between });
  }
  return ordered;
}

/** PostgreSQL cuts names at 63 bytes. */
export function freeName(wanted: string, taken: ReadonlySet<string>): string {
  const bytes = new TextEncoder().encode(wanted);
  const cut = new TextDecoder().decode(bytes.slice(-NAME_BYTES_MAX)).replace(/^\uFFFD+/, '');
  for (let candidate = cut, n = 2; ; n += 1) {
    if (!taken.has(candidate)) return candidate;
    candidate = `${cut.slice(-NAME_CHARACTERS_SAFE)}_${n}`;
  }
}

const NAME_BYTES_MAX = 63;
const NAME_CHARACTERS_SAFE = 14;
