import type { TablePattern, TableWish } from '@bunnydb/contracts';

/**
 * The patterns among table wishes for which tables to come join: `schema.*` and `*.*`. Any other pattern stands for the tables that are
 * there. So does one with a row filter, which a table to come may not be able to follow.
 */
export function patternsOf(wishes: readonly TableWish[]): readonly TablePattern[] {
  return wishes.flatMap((wish) => {
    const source = schemaOf(wish.source);
    const destination = wish.destination === undefined ? '*' : schemaOf(wish.destination);
    if (source === undefined || destination === undefined || wish.row_filter !== undefined) {
      return [];
    }
    return [
      {
        source_schema: source,
        destination_schema: destination,
        exclude_columns: wish.exclude_columns ?? [],
        ...(wish.except === undefined ? {} : { except: wish.except }),
      },
    ];
  });
}

/** The schema of `schema.*`; undefined for any other text. */
function schemaOf(text: string): string | undefined {
  const match = /^(?:"((?:[^"]|"")+)"|([^".]+))\.(?:\*|"\*")$/s.exec(text.trim());
  if (!match) return undefined;
  const [, quoted, bare = ''] = match;
  if (quoted !== undefined) return quoted.replaceAll('""', '"');
  return bare === '*' || !bare.includes('*') ? bare : undefined;
}
