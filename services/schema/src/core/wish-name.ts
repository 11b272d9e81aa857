/** One part of a wish: a catalog name, or a pattern in which `*` stands for any characters. */
export interface WishPart {
  readonly text: string;
  readonly isPattern: boolean;
}

export interface WishName {
  readonly schema: WishPart;
  readonly table: WishPart;
}

/**
 * Parses `schema.table`; a bare part with `*` is a pattern, a part in double quotes is always a name. Undefined when it is not two parts.
 */
export function parseWishName(text: string): WishName | undefined {
  const match = /^(?:"((?:[^"]|"")+)"|([^".]+))\.(?:"((?:[^"]|"")+)"|([^".]+))$/s.exec(text.trim());
  if (!match) return undefined;
  return { schema: partOf(match[1], match[2]), table: partOf(match[3], match[4]) };
}

/** Whether a name fits a part. */
export function matchesPart(part: WishPart, name: string): boolean {
  if (!part.isPattern) return part.text === name;
  const pieces = part.text.split('*').map((piece) => piece.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${pieces.join('.*')}$`, 's').test(name);
}

function partOf(quoted: string | undefined, bare: string | undefined): WishPart {
  if (quoted !== undefined) return { text: quoted.replaceAll('""', '"'), isPattern: false };
  const text = bare ?? '';
  return { text, isPattern: text.includes('*') };
}
