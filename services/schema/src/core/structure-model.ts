import type { QualifiedName } from '@bunnydb/pg-model';
import type {
  CollationModel,
  ColumnModel,
  ExtensionModel,
  KeyModel,
  TypeModel,
} from './catalog-model.js';

/** An index below that of a partitioned table. */
export interface ChildIndex extends QualifiedName {
  /** The index's name; the schema and table are those of the partition. */
  readonly name: string;
}

/** An index that hangs on no parent's index. */
export interface IndexModel {
  readonly name: string;
  readonly isUnique: boolean;
  /** False for what a concurrent build left behind when it was cut off. */
  readonly isValid: boolean;
  /**
   * The definition from USING on, as PostgreSQL writes it: method, columns or expressions with operator classes, collations and order, INCLUDE,
   * NULLS NOT DISTINCT, storage parameters and the predicate. It names neither the index nor its table, so it holds under any name.
   */
  readonly body: string;
  /** Every column that it needs, those of expressions and predicate included. */
  readonly columns: readonly string[];
  /** The constraint that it stands behind. */
  readonly constraint: string | null;
  /** Of a partitioned table: the indexes of all partitions below, the deepest first. */
  readonly children: readonly ChildIndex[];
}

export const CONSTRAINT_KINDS = ['primary_key', 'unique', 'exclusion', 'check'] as const;
export type ConstraintKind = (typeof CONSTRAINT_KINDS)[number];

/** A constraint of the table's own (not one that came from a parent), other than a foreign key. */
export interface ConstraintModel {
  readonly kind: ConstraintKind;
  readonly name: string;
  /** As PostgreSQL writes it, without NOT VALID; it names no table. */
  readonly definition: string;
  readonly columns: readonly string[];
  readonly isValidated: boolean;
  /** False for NOT ENFORCED (PostgreSQL 18). */
  readonly isEnforced: boolean;
  readonly isDeferrable: boolean;
  readonly isInitiallyDeferred: boolean;
  /** What a check asks for, as SQL. */
  readonly expression: string | null;
}

/** What a foreign key does when the row that it points to goes or changes, as SQL. */
export type ForeignKeyAction = 'no action' | 'restrict' | 'cascade' | 'set null' | 'set default';

export interface ForeignKeyModel {
  readonly name: string;
  readonly columns: readonly string[];
  readonly referenced: QualifiedName;
  readonly referencedColumns: readonly string[];
  readonly isMatchFull: boolean;
  /** Whether the last column is a PERIOD (PostgreSQL 18). */
  readonly hasPeriod: boolean;
  readonly onUpdate: ForeignKeyAction;
  readonly onDelete: ForeignKeyAction;
  /** The columns that ON DELETE SET … sets; empty for all. */
  readonly onDeleteColumns: readonly string[];
  readonly isDeferrable: boolean;
  readonly isInitiallyDeferred: boolean;
  readonly isValidated: boolean;
  readonly isEnforced: boolean;
}

/** Extended statistics. */
export interface StatisticsModel {
  readonly schema: string;
  readonly name: string;
  /** Empty for statistics of one expression, which have no kinds to choose. */
  readonly kinds: readonly string[];
  /** Columns and expressions, as PostgreSQL writes them; it names no table. */
  readonly body: string;
  readonly columns: readonly string[];
  readonly target: number | null;
  readonly comment: string | null;
}

export const SETTING_KINDS = [
  'table_option',
  'storage',
  'compression',
  'column_statistics',
  'column_option',
  'index_statistics',
  'replica_identity',
  'cluster',
  'table_comment',
  'column_comment',
  'constraint_comment',
  'index_comment',
  'sequence_comment',
] as const;

/** Something that is set on a relation or on a part of it, and that has a default which is not listed. */
export interface SettingModel {
  readonly kind: (typeof SETTING_KINDS)[number];
  /** The column, index or constraint; empty for the table itself. A sequence goes by the column that it serves. */
  readonly object: string;
  /** Which option, which column of an index, or which sequence. */
  readonly key: string;
  readonly value: string;
}

/** A comment on something that tables share, and that has the same name on both sides. */
export interface SharedComment {
  /** As COMMENT ON takes it. */
  readonly target: string;
  readonly text: string;
}

/** Where a partition hangs. */
export interface PartitionPlace {
  readonly parent: QualifiedName;
  readonly bound: string;
}

/** A table, or a partition below it, with all that is its own. */
export interface RelationStructure {
  readonly name: QualifiedName;
  /** The table that was asked for: itself, or the root of the partition. */
  readonly root: QualifiedName;
  readonly isRoot: boolean;
  /** Whether its rows, or those of a partition, were ever written anew: before that, a new column for which no value is stored is NULL in them. */
  readonly wasRewritten?: boolean;
  /** Names of columns that are NULL in the oldest rows, of those that it was looked for. */
  readonly nullColumns?: ReadonlySet<string>;
  readonly isPartitioned: boolean;
  /** Null for a root. */
  readonly partition: PartitionPlace | null;
  /** `RANGE (…)` … of a partitioned table, else null. */
  readonly partitionKey: string | null;
  /** Tables that it inherits from; none for a partition. */
  readonly inherits: readonly QualifiedName[];
  readonly columns: readonly ColumnModel[];
  /** Attribute numbers of columns that are dropped. */
  readonly droppedNumbers?: readonly number[];
  readonly primaryKey: KeyModel | null;
  readonly indexes: readonly IndexModel[];
  readonly constraints: readonly ConstraintModel[];
  readonly foreignKeys: readonly ForeignKeyModel[];
  readonly statistics: readonly StatisticsModel[];
  readonly settings: readonly SettingModel[];
}

/** The structure of a set of tables as one catalog has it. */
export interface StructureModel {
  readonly relations: readonly RelationStructure[];
  /** Extensions that indexes take operator classes or access methods from. */
  readonly neededExtensions: readonly ExtensionModel[];
  readonly installedExtensions: readonly string[];
  /** Extensions that could be installed. */
  readonly availableExtensions: readonly string[];
  /** Types and collations that the relations need. */
  readonly types: readonly TypeModel[];
  readonly collations: readonly CollationModel[];
  readonly comments: readonly SharedComment[];
  /** What the server is. */
  readonly versionNumber: number;
}
