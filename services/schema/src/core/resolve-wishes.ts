import type { TableMapping, TableWish } from '@bunnydb/contracts';
import {
  type NamePattern,
  formatQualifiedName,
  matchesName,
  parseNamePattern,
  quoteQualifiedName,
} from '@bunnydb/pg-model';
import { type RelationFacts, type RelationIndex, isSystemSchema, keyOf } from './relation-facts.js';

/** Why a wish cannot be met, and what to do. */
export interface WishProblem {
  readonly detail: string;
  readonly fix: string;
}

export interface ResolvedWishes {
  readonly tables: readonly TableMapping[];
  readonly problems: readonly WishProblem[];
}

/**
 * Turns wishes into mappings of tables that exist. A table that is named wins over a pattern that matches it too. Patterns take what can be
 * replicated and is not excepted, and pass over the rest; a named relation that cannot be replicated is a problem. Partitions are left to their root, since
 * the publication speaks for the root.
 */
export function resolveWishes(
  wishes: readonly TableWish[],
  allTables: boolean,
  relations: RelationIndex,
): ResolvedWishes {
  const problems: WishProblem[] = [];
  const chosen = new Map<string, TableMapping>();
  const parsed = wishes.map((wish) => ({ wish, name: parseNamePattern(wish.source) }));
  for (const { wish, name } of parsed) {
    if (name === undefined) {
      problems.push({
        detail: `${wish.source} is not a table name`,
        fix: 'Write schema.table or a pattern like schema.*; quote a part that holds a dot.',
      });
    } else if (!isPattern(name)) resolveNamed(wish, name, relations, chosen, problems);
  }
  for (const { wish, name } of parsed) {
    if (name !== undefined && isPattern(name)) {
      resolvePattern(wish, name, relations, chosen, problems);
    }
  }
  if (allTables) {
    resolvePattern({ source: '*.*' }, EVERYTHING, relations, chosen, problems);
  }
  const tables = withoutPartitionsOfChosen([...chosen.values()], relations);
  return { tables, problems: [...problems, ...destinationConflicts(tables)] };
}

function resolveNamed(
  wish: TableWish,
  name: NamePattern,
  relations: RelationIndex,
  chosen: Map<string, TableMapping>,
  problems: WishProblem[],
): void {
  const source = { schema: name.schema.text, table: name.table.text };
  const relation = relations.find(source);
  const problem = relation === undefined ? unknownTable(wish.source) : refusal(relation);
  if (problem) {
    problems.push(problem);
    return;
  }
  const destination =
    wish.destination === undefined ? undefined : parseNamePattern(wish.destination);
  if (wish.destination !== undefined && (!destination || isPattern(destination))) {
    problems.push({
      detail: `${wish.destination} is not a destination table name`,
      fix: 'Write schema.table.',
    });
    return;
  }
  if (chosen.has(keyOf(source))) {
    problems.push({ detail: `${wish.source} is listed twice`, fix: 'List each table once.' });
    return;
  }
  chosen.set(keyOf(source), {
    source,
    destination: destination
      ? { schema: destination.schema.text, table: destination.table.text }
      : source,
    exclude_columns: wish.exclude_columns ?? [],
    ...(wish.row_filter === undefined ? {} : { row_filter: wish.row_filter }),
  });
}

function resolvePattern(
  wish: TableWish,
  name: NamePattern,
  relations: RelationIndex,
  chosen: Map<string, TableMapping>,
  problems: WishProblem[],
): void {
  const target = wish.destination === undefined ? undefined : parseNamePattern(wish.destination);
  if (wish.destination !== undefined && (target === undefined || target.table.text !== '*')) {
    problems.push({
      detail: `${wish.destination} is not a destination for the pattern ${wish.source}`,
      fix: 'Write schema.* to choose the destination schema, or leave it out.',
    });
    return;
  }
  const exceptions = (wish.except ?? []).flatMap((text) => parseNamePattern(text) ?? []);
  let matches = 0;
  let excepted = 0;
  for (const relation of relations.all) {
    const { schema, table } = relation.name;
    if (!matchesName(name, relation.name)) continue;
    if (relation.isExtensionOwned || refusal(relation)) continue;
    if (isExcepted(relation, exceptions, relations)) {
      excepted += 1;
      continue;
    }
    matches += 1;
    if (chosen.has(keyOf(relation.name))) continue;
    // Only columns that this table has: a pattern speaks of many.
    const columns = relation.columns.map((column) => column.name);
    chosen.set(keyOf(relation.name), {
      source: relation.name,
      destination: {
        schema: target && !target.schema.isPattern ? target.schema.text : schema,
        table,
      },
      exclude_columns: (wish.exclude_columns ?? []).filter((column) => columns.includes(column)),
      ...(wish.row_filter === undefined ? {} : { row_filter: wish.row_filter }),
    });
  }
  if (matches === 0 && excepted > 0) {
    problems.push({
      detail: `every table that the pattern ${wish.source} matches is excluded`,
      fix: 'Leave the pattern out, or exclude less with exclude_tables.',
    });
  } else if (matches === 0) {
    problems.push({
      detail: `the pattern ${wish.source} matches no table that can be replicated`,
      fix: 'Check the schema name; GET /v1/peers/{name}/tables lists what there is.',
    });
  }
}

/** A partition is excepted with its root. */
function isExcepted(
  { name, partitionOf }: RelationFacts,
  exceptions: readonly NamePattern[],
  relations: RelationIndex,
): boolean {
  if (exceptions.some((exception) => matchesName(exception, name))) return true;
  const root = partitionOf ? relations.find(partitionOf) : undefined;
  return root !== undefined && isExcepted(root, exceptions, relations);
}

/** Why a relation cannot be replicated, if it cannot. */
function refusal(relation: RelationFacts): WishProblem | undefined {
  const name = formatQualifiedName(relation.name);
  const refuse = (what: string, fix: string): WishProblem => ({ detail: `${name} ${what}`, fix });
  if (isSystemSchema(relation.name.schema)) {
    return refuse('is in a system schema', 'Choose a table of your own.');
  }
  switch (relation.kind) {
    case 'table':
    case 'partitioned':
      break;
    case 'view':
    case 'materialized_view':
      return refuse(
        `is a ${relation.kind.replace('_', ' ')}, which has no changes of its own`,
        'Mirror the tables it reads.',
      );
    case 'foreign':
      return refuse('is a foreign table', 'Mirror it from the server that holds its rows.');
    case 'other':
      return refuse('is not a table', 'Choose a table.');
  }
  switch (relation.persistence) {
    case 'permanent':
      return undefined;
    case 'unlogged':
      return refuse(
        'is unlogged: its changes are not in the WAL',
        `ALTER TABLE ${quoteQualifiedName(relation.name)} SET LOGGED;`,
      );
    case 'temporary':
      return refuse('is temporary', 'Choose a permanent table.');
  }
}

function withoutPartitionsOfChosen(
  tables: readonly TableMapping[],
  relations: RelationIndex,
): readonly TableMapping[] {
  const chosen = new Set(tables.map((table) => keyOf(table.source)));
  return tables.filter((table) => {
    let parent = relations.find(table.source)?.partitionOf;
    while (parent) {
      if (chosen.has(keyOf(parent))) return false;
      parent = relations.find(parent)?.partitionOf;
    }
    return true;
  });
}

function destinationConflicts(tables: readonly TableMapping[]): readonly WishProblem[] {
  const sources = new Map<string, string[]>();
  const problems: WishProblem[] = [];
  for (const { source, destination } of tables) {
    if (isSystemSchema(destination.schema)) {
      problems.push({
        detail: `${formatQualifiedName(destination)} is in a system schema`,
        fix: 'Choose another destination schema.',
      });
    }
    const key = keyOf(destination);
    sources.set(key, [...(sources.get(key) ?? []), formatQualifiedName(source)]);
  }
  for (const [key, names] of sources) {
    if (names.length < 2) continue;
    problems.push({
      detail: `${names.join(' and ')} have the same destination ${key.replace('\0', '.')}`,
      fix: 'Give each source table a destination of its own.',
    });
  }
  return problems;
}

function unknownTable(name: string): WishProblem {
  return {
    detail: `${name} does not exist on the source`,
    fix: 'Check schema and spelling (names are case sensitive); GET /v1/peers/{name}/tables lists what there is.',
  };
}

function isPattern(name: NamePattern): boolean {
  return name.schema.isPattern || name.table.isPattern;
}

const EVERYTHING: NamePattern = {
  schema: { text: '*', isPattern: true },
  table: { text: '*', isPattern: true },
};
