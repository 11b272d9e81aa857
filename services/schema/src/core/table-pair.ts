import type { ForeignKeyStrategy, TableMapping } from '@bunnydb/contracts';
import { type QualifiedName, formatQualifiedName, quoteQualifiedName } from '@bunnydb/pg-model';
import type { CarriedBook, CarriedKind, FoundObject } from './carried-objects.js';
import type { TableNames } from './column-names.js';
import type { Counterparts } from './counterparts.js';
import { keyOf } from './relation-facts.js';
import type { StructureChange, StructureNote } from './structure-change.js';
import { stableHash } from './structure-change.js';
import type { RelationStructure } from './structure-model.js';

export interface DiffOptions {
  readonly columns: boolean;
  readonly types: boolean;
  readonly defaults: boolean;
  readonly notNull: boolean;
  readonly identity: boolean;
  readonly sequences: boolean;
  readonly checks: boolean;
  readonly indexes: boolean;
  readonly foreignKeys: boolean;
  readonly foreignKeyStrategy: ForeignKeyStrategy;
  /** False when the destination's user cannot silence triggers: a key that acts on rows would then act a second time. */
  readonly silencesForeignKeyActions: boolean;
}

/** A source table, or a partition of one, and what stands for it at the destination. */
export interface TablePair {
  readonly mapping: TableMapping;
  readonly source: RelationStructure;
  readonly destination: RelationStructure;
  /** The partitions that hold rows when the destination is partitioned; else none. */
  readonly leaves: readonly RelationStructure[];
  /** The partitioned ones between it and those, the deepest first. */
  readonly branches: readonly RelationStructure[];
  /** By which a renamed column is told from a dropped and an added one; absent: by nothing. */
  readonly names?: TableNames;
}

/** Where the parts of the comparison put what they find. */
export interface DiffSink {
  readonly changes: StructureChange[];
  readonly notes: StructureNote[];
  readonly names: NameBook;
  readonly counterparts: Counterparts;
  readonly carried: CarriedBook;
}

/** As much of a pair as its columns need. */
export interface ColumnPair extends Pick<TablePair, 'mapping' | 'names'> {
  readonly source: Pick<RelationStructure, 'name' | 'columns' | 'wasRewritten' | 'nullColumns'>;
  readonly destination: Pick<RelationStructure, 'name' | 'columns'>;
}
/** As much of a pair as the names of its parts hang on. */
export interface NamePair extends HasName {
  readonly source: Pick<RelationStructure, 'name'>;
}

type HasName = { readonly destination: Pick<RelationStructure, 'name'> };

export const tableText = (pair: HasName): string => formatQualifiedName(pair.destination.name);
export const tableSql = (pair: HasName): string => quoteQualifiedName(pair.destination.name);
export const objectText = (pair: HasName, name: string): string => `${tableText(pair)}.${name}`;

/** An object of the destination, as `CarriedBook` knows it. */
export function foundObject(
  { mapping, destination }: Pick<TablePair, 'mapping' | 'destination'>,
  kind: CarriedKind,
  name: string,
  definition: string,
): FoundObject {
  return { source: mapping.source, relation: destination.name, kind, name, definition };
}

/**
 * Notes an object of the destination that is defined as the source's is. Another one that happens to be defined alike, under a name of its own, is not
 * taken for one that came from there.
 *
 * @returns whether it came from there under a name that the source's no longer has.
 */
export function meetCounterpart(
  pair: TablePair,
  sourceName: string,
  found: FoundObject,
  sink: DiffSink,
): boolean {
  const isNamedAlike = isNamedAfter(pair, sourceName, found.name);
  if (isNamedAlike) sink.carried.note(found);
  return !isNamedAlike && sink.carried.isOurs(found);
}

/** The first of the columns that the mirror leaves out; undefined when all are there. */
export function excludedColumn(
  { mapping }: TablePair,
  columns: readonly string[],
): string | undefined {
  return columns.find((column) => mapping.exclude_columns.includes(column));
}

/**
 * Which of the destination's objects that are defined alike stands for the source's: the one of its name, else one whose name no object of the source
 * needs, since two cannot have one name.
 */
export function pickAlike<Named extends { readonly name: string }>(
  wanted: Named,
  alike: readonly Named[],
  ofSource: readonly Named[],
): Named | undefined {
  const needed = new Set(ofSource.map((other) => other.name));
  return (
    alike.find((other) => other.name === wanted.name) ??
    alike.find((other) => !needed.has(other.name))
  );
}

/** Names of indexes at the destination: they are unique in a schema, over all tables. */
export class NameBook {
  readonly #taken: Set<string>;

  constructor(taken: readonly QualifiedName[]) {
    this.#taken = new Set(taken.map(keyOf));
  }

  /**
   * A free name for an index of the destination table: the source's own where that is free; what is named after the source table is named
   * after the destination table.
   */
  claim(pair: NamePair, sourceName: string): string {
    const { schema } = pair.destination.name;
    const [last, ...candidates] = namesAfter(pair, sourceName);
    for (const name of candidates) {
      const key = keyOf({ schema, table: name });
      if (this.#taken.has(key)) continue;
      this.#taken.add(key);
      return name;
    }
    return last;
  }

  /** Gives a name back that is about to be dropped. */
  release(name: QualifiedName): void {
    this.#taken.delete(keyOf(name));
  }
}

/** Names that an index of the destination table may have for the source's; the first is the last resort, the others come in their order. */
function namesAfter(pair: NamePair, sourceName: string): readonly [string, ...string[]] {
  const { table } = pair.destination.name;
  const sourceTable = pair.source.name.table;
  const isNamedAfterTable = table !== sourceTable && sourceName.startsWith(`${sourceTable}_`);
  const plain = isNamedAfterTable ? `${table}${sourceName.slice(sourceTable.length)}` : sourceName;
  return [
    shorten(`${stableHash(`${table}\0${sourceName}`)}_${plain}`),
    shorten(plain),
    shorten(`${table}_${sourceName}`),
    shorten(`${table}_${stableHash(plain)}`),
  ];
}

/** Whether the destination's name is one that an object of the source gets there. */
function isNamedAfter(pair: NamePair, sourceName: string, name: string): boolean {
  return name === sourceName || namesAfter(pair, sourceName).includes(name);
}

/** PostgreSQL cuts names at 63 bytes, which could make two names one. */
function shorten(name: string): string {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length <= NAME_BYTES_MAX) return name;
  const kept = new TextDecoder().decode(bytes.slice(0, NAME_BYTES_MAX - 17)).replace(/\uFFFD$/, '');
  return `${kept}_${stableHash(name)}`;
}

const NAME_BYTES_MAX = 63;
