import { quoteIdentifier } from './quoting.js';

/** A table's name with its schema, both as the catalog stores them (unquoted, case kept). */
export interface QualifiedName {
  readonly schema: string;
  readonly table: string;
}

/** The name as SQL: both parts always quoted. */
export function quoteQualifiedName(name: QualifiedName): string {
  return `${quoteIdentifier(name.schema)}.${quoteIdentifier(name.table)}`;
}

/**
 * The name for people and for keys: `public.users`. A part that holds a dot, a quote, a space or an
 * asterisk is quoted, so that two different names never print alike and none looks like a pattern.
 */
export function formatQualifiedName(name: QualifiedName): string {
  return `${formatPart(name.schema)}.${formatPart(name.table)}`;
}

/**
 * Parses `schema.table`, each part bare or in double quotes with `""` for a quote. A bare part is
 * taken literally (case kept), since it names a catalog entry rather than SQL text.
 *
 * @throws RangeError when the text is not two parts.
 */
export function parseQualifiedName(text: string): QualifiedName {
  const parts: string[] = [];
  let rest = text;
  while (parts.length < 2) {
    const match = /^(?:"((?:[^"]|"")+)"|([^".]+))(\.|$)/s.exec(rest);
    if (!match) break;
    parts.push(match[1] !== undefined ? match[1].replaceAll('""', '"') : (match[2] ?? ''));
    rest = rest.slice(match[0].length);
    if (match[3] === '') break;
  }
  const [schema, table] = parts;
  if (schema === undefined || table === undefined || rest !== '' || text.endsWith('.')) {
    throw new RangeError('expected a name like schema.table; quote a part that holds a dot');
  }
  return { schema, table };
}

function formatPart(part: string): string {
  return /^[^".*\s]+$/.test(part) ? part : quoteIdentifier(part);
}
