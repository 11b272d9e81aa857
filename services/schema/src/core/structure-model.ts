import type { QualifiedName } from '@bunnydb/pg-model';
import type { ColumnModel, ExtensionModel } from './catalog-model.js';

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

/** A table, or a partition below it, with all that is its own. */
export interface RelationStructure {
  readonly name: QualifiedName;
  /** The table that was asked for: itself, or the root of the partition. */
  readonly root: QualifiedName;
  readonly isRoot: boolean;
  readonly isPartitioned: boolean;
  /** Of a root; partitions have their root's. */
  readonly columns: readonly ColumnModel[];
  readonly indexes: readonly IndexModel[];
  readonly constraints: readonly ConstraintModel[];
  readonly foreignKeys: readonly ForeignKeyModel[];
}

/** The structure of a set of tables as one catalog has it. */
export interface StructureModel {
  readonly relations: readonly RelationStructure[];
  /** Extensions that indexes take operator classes or access methods from. */
  readonly neededExtensions: readonly ExtensionModel[];
  readonly installedExtensions: readonly string[];
}
