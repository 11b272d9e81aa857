import type { QualifiedName } from './qualified-name.js';

/** One part of a name: as the catalog stores it, or a pattern in which `*` stands for any characters. */
export interface NamePart {
  readonly text: string;
  readonly isPattern: boolean;
}

/** A table name, or a pattern such as `public.log_*` that stands for many. */
export interface NamePattern {
  readonly schema: NamePart;
  readonly table: NamePart;
}

/**
 * Parses `schema.table`; a bare part with `*` is a pattern, a part in double quotes is always a name. Undefined when it is not two parts.
 */
export function parseNamePattern(text: string): NamePattern | undefined {
  const match = /^(?:"((?:[^"]|"")+)"|([^".]+))\.(?:"((?:[^"]|"")+)"|([^".]+))$/s.exec(text.trim());
  if (!match) return undefined;
  return { schema: partOf(match[1], match[2]), table: partOf(match[3], match[4]) };
}

/** Whether a pattern stands for a table. */
export function matchesName({ schema, table }: NamePattern, name: QualifiedName): boolean {
  return matchesPart(schema, name.schema) && matchesPart(table, name.table);
}

/** Whether a text is meant as a pattern; an asterisk in quotes is part of a name. */
export function standsForMany(text: string): boolean {
  return text.replaceAll(/"(?:[^"]|"")*"/g, '').includes('*');
}

function matchesPart({ text, isPattern }: NamePart, name: string): boolean {
  if (!isPattern) return text === name;
  const [head = '', ...pieces] = text.split('*');
  const tail = pieces.pop() ?? '';
  if (!name.startsWith(head)) return false;
  let from = head.length;
  for (const piece of pieces) {
    // The first place will do: it leaves the most for what follows.
    const at = name.indexOf(piece, from);
    if (at < 0) return false;
    from = at + piece.length;
  }
  return name.length - from >= tail.length && name.endsWith(tail);
}

function partOf(quoted: string | undefined, bare: string | undefined): NamePart {
  if (quoted !== undefined) return { text: quoted.replaceAll('""', '"'), isPattern: false };
  const text = bare ?? '';
  return { text, isPattern: text.includes('*') };
}
