import type { CollationModel } from '../core/catalog-model.js';

/** A row of `SELECT_COLLATIONS`. */
export interface CollationRow {
  readonly schema: string;
  readonly name: string;
  readonly provider: string;
  readonly is_deterministic: boolean;
  readonly collate: string | null;
  readonly ctype: string | null;
  readonly locale: string | null;
  readonly rules: string | null;
}

export function collationOf(row: CollationRow): CollationModel {
  return {
    schema: row.schema,
    name: row.name,
    provider: PROVIDERS[row.provider] ?? 'icu',
    isDeterministic: row.is_deterministic,
    // Version 15 keeps the locale of ICU collations where libc has its own.
    locale: row.provider === 'c' ? null : (row.locale ?? row.collate),
    rules: row.rules,
    collate: row.provider === 'c' ? row.collate : null,
    ctype: row.provider === 'c' ? row.ctype : null,
  };
}

const PROVIDERS: Readonly<Record<string, CollationModel['provider']>> = {
  b: 'builtin',
  c: 'libc',
  i: 'icu',
};
