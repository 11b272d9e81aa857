import type { TableMapping } from '@bunnydb/contracts';
import type { QualifiedName } from '@bunnydb/pg-model';
import type { ColumnModel } from './catalog-model.js';
import { keyOf } from './relation-facts.js';
import type { RelationStructure, StructureModel } from './structure-model.js';

/** Columns of a source table of which only the rows tell what those that were there have. */
export interface DoubtfulColumns {
  readonly table: QualifiedName;
  readonly columns: readonly string[];
}

type ColumnOrigin = Pick<ColumnModel, 'missing' | 'generation' | 'identity'>;

/**
 * What the rows that were there when a column was added have on the source: a value that is stored for all of them, NULL, one that PostgreSQL makes again (`made`), or each its own. What a
 * default gave each row leaves no trace but in the rows once they were written anew, the less so when the default was taken off again.
 */
export function rowsOf(
  { wasRewritten, nullColumns }: Pick<RelationStructure, 'wasRewritten' | 'nullColumns'>,
  column: ColumnOrigin & Pick<ColumnModel, 'name'>,
): 'stored' | 'null' | 'made' | 'own' {
  if (column.generation !== 'none') return 'made';
  if (column.missing !== undefined) return 'stored';
  if (column.identity !== 'none') return 'own';
  if (wasRewritten === false || nullColumns?.has(column.name)) return 'null';
  return 'own';
}

/** Whether the catalog does not tell what the rows have of a column that is new, once their table was written anew. */
export function isInDoubt(column: ColumnOrigin): boolean {
  return column.generation === 'none' && column.identity === 'none' && column.missing === undefined;
}

/** Columns that the destination lacks, and of which the source's rows have to be asked. */
export function columnsInDoubt(
  source: StructureModel,
  destination: StructureModel,
  mappings: readonly TableMapping[],
): readonly DoubtfulColumns[] {
  const roots = new Map(source.relations.map((relation) => [keyOf(relation.name), relation]));
  const theirs = new Map(destination.relations.map((relation) => [keyOf(relation.name), relation]));
  return mappings.flatMap((mapping) => {
    const relation = roots.get(keyOf(mapping.source));
    const counterpart = theirs.get(keyOf(mapping.destination));
    if (relation?.wasRewritten !== true || counterpart === undefined) return [];
    const present = new Set(counterpart.columns.map(({ name }) => name));
    const columns = relation.columns
      .filter((column) => isInDoubt(column) && !present.has(column.name))
      .map(({ name }) => name)
      .filter((name) => !mapping.exclude_columns.includes(name));
    return columns.length === 0 ? [] : [{ table: relation.name, columns }];
  });
}

/** The structure with what the rows told of such columns. */
export function withNullColumns(
  source: StructureModel,
  told: ReadonlyMap<string, ReadonlySet<string>>,
): StructureModel {
  if (told.size === 0) return source;
  const relations = source.relations.map((relation) => {
    const nullColumns = told.get(keyOf(relation.name));
    return nullColumns === undefined ? relation : { ...relation, nullColumns };
  });
  return { ...source, relations };
}
