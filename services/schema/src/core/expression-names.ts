import { quoteIdentifier, quoteLiteral } from '@bunnydb/pg-model';

/**
 * The few places where an expression that PostgreSQL writes names something that a mirror may name otherwise. Its text is cut into tokens, which is easy for
 * what PostgreSQL writes itself (no comments, no `E''`, no dollar quotes), so nothing inside a string or a longer name is ever touched. Functions, types,
 * operators and collations keep their names on the other side; columns are never qualified in an expression of one table.
 */

/** Replaces constants of type `regclass`: the sequences that `nextval` and its like name. `rename` gives the new value, or undefined to keep it. */
export function renameSequences(
  expression: string,
  rename: (reference: string) => string | undefined,
): string {
  const tokens = tokensOf(expression);
  return tokens
    .map((token, at) => {
      const isConstant =
        token.startsWith("'") && tokens[at + 1] === '::' && isRegclass(tokens, at + 2);
      if (!isConstant) return token;
      const renamed = rename(token.slice(1, -1).replaceAll("''", "'"));
      return renamed === undefined ? token : quoteLiteral(renamed).trim();
    })
    .join('');
}

/**
 * Gives the whole row of a table (`t.*`, the only way in which an expression names its own table) the table's name at the destination, always in quotes so
 * that both sides read alike.
 */
export function renameWholeRow(expression: string, from: string, to: string): string {
  if (!expression.includes('.*')) return expression;
  const tokens = tokensOf(expression);
  return tokens
    .map((token, at) => {
      const isRow =
        nameOf(token) === from &&
        tokens[at + 1] === '.' &&
        tokens[at + 2] === '*' &&
        tokens[at - 1] !== '.';
      return isRow ? quoteIdentifier(to) : token;
    })
    .join('');
}

function isRegclass(tokens: readonly string[], at: number): boolean {
  return (
    tokens[at] === 'regclass' || (tokens[at] === 'pg_catalog' && tokens[at + 2] === 'regclass')
  );
}

/** The name that an identifier's token stands for. */
function nameOf(token: string): string | undefined {
  if (token.startsWith('"')) return token.slice(1, -1).replaceAll('""', '"');
  return /^[\p{L}_]/u.test(token) ? token : undefined;
}

function tokensOf(text: string): readonly string[] {
  return text.match(TOKEN) ?? [];
}

/** Strings, quoted names, words, casts, and any other character for itself. */
const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*|::|[\s\S]/gu;
