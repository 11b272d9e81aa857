import type { TableMapping } from '@bunnydb/contracts';
import type { SourceFacts } from './preflight-facts.js';
import { keyOf } from './relation-facts.js';

/**
 * Makes the mappings follow a publication that the user brought: what it filters or leaves out never comes through the stream, so the copy
 * must leave it out too. Without such a publication the mappings stay as they are.
 */
export function adoptPublication(
  tables: readonly TableMapping[],
  { publication, relations }: Pick<SourceFacts, 'publication' | 'relations'>,
): readonly TableMapping[] {
  if (publication === null) return tables;
  return tables.map((table) => {
    const published = publication.tables.get(keyOf(table.source));
    const relation = relations.find(table.source);
    if (published === undefined || relation === undefined) return table;
    const unpublished = relation.columns
      .filter((column) => !column.isGenerated && !published.columns.includes(column.name))
      .map((column) => column.name);
    const rowFilter = table.row_filter ?? published.rowFilter ?? undefined;
    return {
      ...table,
      exclude_columns: [...new Set([...table.exclude_columns, ...unpublished])],
      ...(rowFilter === undefined ? {} : { row_filter: rowFilter }),
    };
  });
}
