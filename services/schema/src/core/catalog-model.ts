import type { QualifiedName, ReplicaIdentity } from '@bunnydb/pg-model';

/** Options of a sequence, numbers as text: they are 64 bits wide. */
export interface SequenceOptions {
  readonly dataType: string;
  readonly start: string;
  readonly increment: string;
  readonly minimum: string;
  readonly maximum: string;
  readonly cache: string;
  readonly cycles: boolean;
}

export interface SequenceModel extends SequenceOptions {
  readonly schema: string;
  readonly name: string;
  /** Whether it belongs to the column and goes with it (`serial`). */
  readonly isOwned: boolean;
}

export interface ColumnModel {
  readonly name: string;
  /** As SQL, names of own types with their schema: `numeric(10,2)`, `shop.mood[]`. */
  readonly type: string;
  readonly isNotNull: boolean;
  /** The default, or the expression of a generated column, as SQL. */
  readonly expression: string | null;
  readonly generation: 'none' | 'stored' | 'virtual';
  readonly identity: 'none' | 'always' | 'by_default';
  readonly identityOptions: SequenceOptions | null;
  /** Only when it is not the type's own. */
  readonly collation: { readonly schema: string; readonly name: string } | null;
  /** Sequences that the default takes values from. */
  readonly sequences: readonly SequenceModel[];
  /** Functions in the expression that are neither built in nor an extension's, as `to_regprocedure` reads them. */
  readonly functions: readonly string[];
}

/** A unique index whose columns are a key. */
export interface KeyModel {
  readonly name: string;
  readonly columns: readonly string[];
  readonly includedColumns: readonly string[];
  readonly isDeferrable: boolean;
  readonly isInitiallyDeferred: boolean;
  /** The constraint's definition as SQL when it is a constraint, else null. */
  readonly definition: string | null;
}

export interface PartitionModel {
  readonly name: QualifiedName;
  readonly parent: QualifiedName;
  /** `FOR VALUES …` or `DEFAULT`. */
  readonly bound: string;
  /** `RANGE (…)` when it is partitioned itself, else null. */
  readonly partitionKey: string | null;
}

export interface TableModel {
  readonly name: QualifiedName;
  /** `RANGE (…)`, `LIST (…)` or `HASH (…)` for a partitioned table, else null. */
  readonly partitionKey: string | null;
  readonly columns: readonly ColumnModel[];
  readonly primaryKey: KeyModel | null;
  readonly replicaIdentity: ReplicaIdentity;
  /** The index that REPLICA IDENTITY USING INDEX names, unless it is the primary key's. */
  readonly identityIndex: KeyModel | null;
  /** Parents before their children. */
  readonly partitions: readonly PartitionModel[];
}

interface TypeBase {
  readonly schema: string;
  readonly name: string;
  /** Keys (`typeKey`) of other own types that it is made of. */
  readonly needs: readonly string[];
}

/** A type of the user's that a column needs. */
export type TypeModel = TypeBase &
  (
    | { readonly kind: 'enum'; readonly labels: readonly string[] }
    | {
        readonly kind: 'domain';
        readonly baseType: string;
        readonly isNotNull: boolean;
        readonly defaultExpression: string | null;
        readonly collation: { readonly schema: string; readonly name: string } | null;
        readonly checks: readonly { readonly name: string; readonly definition: string }[];
      }
    | {
        readonly kind: 'composite';
        readonly attributes: readonly { readonly name: string; readonly type: string }[];
      }
    | { readonly kind: 'range'; readonly subtype: string; readonly multirangeName: string }
    /** An array or a multirange: PostgreSQL makes it together with what it is made of. */
    | { readonly kind: 'implied' }
    | { readonly kind: 'unsupported'; readonly reason: string }
  );

export interface ExtensionModel {
  readonly name: string;
  readonly schema: string;
}

/** What a set of tables is made of, as read from one catalog. */
export interface CatalogModel {
  readonly tables: readonly TableModel[];
  readonly types: readonly TypeModel[];
  readonly extensions: readonly ExtensionModel[];
}
