/** Quotes an SQL identifier; always with double quotes, so that reserved words and capitals survive. */
export function quoteIdentifier(name: string): string {
  if (name.includes('\0')) throw new RangeError('an identifier cannot hold a NUL byte');
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes an SQL string literal, with the `E` form only where a backslash needs it. */
export function quoteLiteral(value: string): string {
  if (value.includes('\0')) throw new RangeError('a literal cannot hold a NUL byte');
  const doubled = value.replaceAll("'", "''");
  return doubled.includes('\\') ? ` E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`;
}
