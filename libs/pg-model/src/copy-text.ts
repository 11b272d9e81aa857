/**
 * COPY's text format, as in PostgreSQL's documentation of COPY, "Text Format": columns end with a tab, rows with
 * a newline, NULL is `\N`, and backslash, newline, carriage return and tab are written as escapes.
 */

/** Escapes a value for one column of a COPY text row; null becomes `\N`. */
export function escapeCopyValue(value: string | null): string {
  if (value === null) return '\\N';
  return value.replace(/[\\\n\r\t]/g, (char) => ESCAPES[char] ?? char);
}

/** Undoes `escapeCopyValue`: null for `\N`, else the value. */
export function unescapeCopyValue(field: string): string | null {
  if (field === '\\N') return null;
  if (!field.includes('\\')) return field;
  return field.replace(/\\(.)/gs, (_, char: string) => UNESCAPES[char] ?? char);
}

/** Splits a COPY text row (without its newline) into its columns, unescaped. */
export function splitCopyLine(line: string): (string | null)[] {
  return line.split('\t').map(unescapeCopyValue);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};
const UNESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  v: '\v',
};
