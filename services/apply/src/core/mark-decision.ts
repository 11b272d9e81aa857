import {
  type DdlObject,
  type RelationMark,
  type SchemaMark,
  relationSignature,
} from '@bunnydb/change-stream';
import { type QualifiedName, formatQualifiedName, parseQualifiedName } from '@bunnydb/pg-model';
import type { MirrorTables } from './mirror-tables.js';

/** What a schema mark calls for before its batch is applied. */
export type MarkDecision =
  /** It says nothing new, or concerns no table of the main lane. */
  | { readonly tag: 'nothing' }
  /** The shape is noted; the destination can take its rows as it is. */
  | { readonly tag: 'note'; readonly table: QualifiedName; readonly relation: string }
  /** The schema service is asked about the tables; `relation` is what to note once they are followed. */
  | {
      readonly tag: 'ask';
      readonly tables: readonly QualifiedName[];
      readonly relation: string | null;
    }
  /** A table of the mirror has another name at the source. */
  | { readonly tag: 'renamed'; readonly table: QualifiedName; readonly to: QualifiedName }
  /** A table that the mirror does not have, by all that is known. */
  | { readonly tag: 'unknown'; readonly table: QualifiedName; readonly oid: number };

/** @param carriesSchema whether the mirror carries structure along at all. */
export function decideMark(
  mark: SchemaMark,
  tables: MirrorTables,
  carriesSchema: boolean,
): MarkDecision {
  if (mark.kind === 'relation') return decideRelation(mark, tables, carriesSchema);
  if (!carriesSchema) return NOTHING;
  const ours = mark.objects.flatMap((object) => {
    const name = tableOfObject(object);
    return name && tables.find(name) ? [name] : [];
  });
  // What is neither of our tables nor a type that one may use changes no row of theirs; the comparison finds what there is to carry.
  if (ours.length === 0 && !mark.objects.some(isType)) return NOTHING;
  const inMainLane = distinct(ours.filter((name) => isInMainLane(name, tables)));
  // Tables outside the main lane are followed by the comparison when they come back.
  if (ours.length > 0 && inMainLane.length === 0) return NOTHING;
  return { tag: 'ask', tables: inMainLane, relation: null };
}

function decideRelation(
  mark: RelationMark,
  tables: MirrorTables,
  carriesSchema: boolean,
): MarkDecision {
  const name = { schema: mark.schema, table: mark.table };
  const relation = relationSignature(mark);
  const table = tables.find(name);
  if (!table) {
    const former = tables.all.find((candidate) => oidOf(candidate.relation) === mark.oid);
    if (former) return { tag: 'renamed', table: former.mapping.source, to: name };
    return tables.knows(name) ? NOTHING : { tag: 'unknown', table: name, oid: mark.oid };
  }
  if (table.relation === relation || !isInMainLane(name, tables)) return NOTHING;
  const fits = tables.hasColumns(
    name,
    mark.columns.map((column) => column.name),
  );
  // The first mark of a table that is as it was copied: asking about each would make a start slow.
  const isFirst = (table.relation ?? null) === null && fits;
  if (!carriesSchema || isFirst) return { tag: 'note', table: table.mapping.source, relation };
  return { tag: 'ask', tables: [table.mapping.source], relation };
}

/** A type that is there, such as an enum with another value; nobody knows which tables have columns of it. */
function isType({ type, schema, dropped }: DdlObject): boolean {
  return !dropped && TYPES.has(type) && schema?.startsWith('pg_temp') !== true;
}

const TYPES: ReadonlySet<string> = new Set(['type', 'domain', 'domain constraint']);

/** The table that a DDL object is or belongs to. */
function tableOfObject(object: DdlObject): QualifiedName | undefined {
  if (object.table) return object.table;
  if (object.type !== 'table') return undefined;
  try {
    return parseQualifiedName(object.identity);
  } catch {
    return undefined;
  }
}

function isInMainLane(name: QualifiedName, tables: MirrorTables): boolean {
  return tables.laneOf(name).kind === 'main';
}

function distinct(names: readonly QualifiedName[]): readonly QualifiedName[] {
  return [...new Map(names.map((name) => [formatQualifiedName(name), name])).values()];
}

/** The source's number of a table, from the signature of its shape. */
export function oidOf(relation: string | null | undefined): number | undefined {
  if (relation === null || relation === undefined) return undefined;
  const [oid] = JSON.parse(relation) as readonly unknown[];
  return typeof oid === 'number' ? oid : undefined;
}

const NOTHING: MarkDecision = { tag: 'nothing' };
