import type { TableMapping } from '@bunnydb/contracts';
import type { QualifiedName } from '@bunnydb/pg-model';
import type { ColumnModel } from './catalog-model.js';
import type { TableNames } from './column-names.js';

/** A column of the source as its catalog has it now. */
export interface SourceColumn extends ColumnModel {
  readonly number: number;
  readonly typeOid: number;
  readonly typeModifier: number;
}

export interface SourceTable {
  readonly oid: number;
  /**
   * Whether the table, or one of its partitions, was ever written anew. Before that, a new column for which no value is stored is NULL in the rows that
   * were there; after that, a default may have given each its own.
   */
  readonly wasRewritten: boolean;
  readonly columns: readonly SourceColumn[];
  /** Attribute numbers of columns that are dropped; the catalog has forgotten their names. */
  readonly droppedNumbers: readonly number[];
}

export interface DestinationTable {
  readonly columns: readonly ColumnModel[];
  /** Columns of the primary key: they cannot be made to take NULL. */
  readonly keyColumns: readonly string[];
  /** With its indexes and partitions. */
  readonly bytes: number;
}

/** A column of a mark; `type` is what the source's catalog calls its type now, null when it is gone. */
export interface ShapeColumn {
  readonly name: string;
  readonly typeOid: number;
  readonly typeModifier: number;
  readonly type: string | null;
}

/** A column that rows have from here on. */
export interface TargetColumn {
  /** As rows call it. */
  readonly name: string;
  /** As SQL, as rows have it. */
  readonly type: string;
  /** The attribute number; null when the source has dropped the column meanwhile and its number cannot be told. */
  readonly number: number | null;
  /** What the source has of it now; null when it is dropped. */
  readonly column: SourceColumn | null;
}

/** All that is known of one table when its structure is followed. */
export interface FollowFacts {
  readonly mapping: TableMapping;
  readonly names: TableNames;
  readonly source: SourceTable | null;
  readonly destination: DestinationTable | null;
  /** What the mark told, in the order of attribute numbers; null when it is no mark of this table's shape. */
  readonly shape: { readonly oid: number; readonly columns: readonly ShapeColumn[] } | null;
  /** What the source calls the table of the mark now, when it is not what the mapping says. */
  readonly movedTo: QualifiedName | null;
  /** The table's OID when it was followed last; null: never. */
  readonly followedOid: number | null;
  /** Names of columns whose oldest rows are all NULL on the source, of those that it was looked for. */
  readonly nullColumns: ReadonlySet<string>;
}
