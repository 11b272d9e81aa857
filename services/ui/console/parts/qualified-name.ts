/** A table's name as the gateway writes it: a part that could be mistaken for something else is in double quotes. */
export function qualifiedName(schema: string, table: string): string {
  return `${part(schema)}.${part(table)}`;
}

function part(name: string): string {
  return /^[^".*\s]+$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
