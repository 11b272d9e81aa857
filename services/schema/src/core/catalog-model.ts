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

/** The sequence behind an identity column. */
export interface IdentitySequence extends SequenceOptions {
  readonly schema: string;
  readonly name: string;
}

export interface SequenceModel extends SequenceOptions {
  readonly schema: string;
  readonly name: string;
  /** As PostgreSQL writes it in an expression: what stands before `::regclass`. */
  readonly reference: string;
  /** Whether it belongs to the column, or to the same column of a partitioned table above, and goes with it (`serial`). */
  readonly isOwned: boolean;
}

/** A NOT NULL that has a name of its own (PostgreSQL 18). */
export interface NotNullConstraint {
  readonly name: string;
  /** False when it is there only because a parent has it. */
  readonly isLocal: boolean;
  readonly isNoInherit: boolean;
  readonly isValidated: boolean;
}

export interface ColumnModel {
  readonly name: string;
  /** As SQL, names of own types with their schema: `numeric(10,2)`, `shop.mood[]`. */
  readonly type: string;
  readonly isNotNull: boolean;
  /** Null before PostgreSQL 18. */
  readonly notNullConstraint: NotNullConstraint | null;
  /** False when it is there only because a parent has it (INHERITS); columns of partitions are never local. */
  readonly isLocal: boolean;
  /** The default, or the expression of a generated column, as SQL. */
  readonly expression: string | null;
  readonly generation: 'none' | 'stored' | 'virtual';
  readonly identity: 'none' | 'always' | 'by_default';
  readonly identityOptions: IdentitySequence | null;
  /** Only when it is not the type's own. */
  readonly collation: { readonly schema: string; readonly name: string } | null;
  /** Sequences that the default takes values from. */
  readonly sequences: readonly SequenceModel[];
  /** Functions in the expression that are neither built in nor an extension's, as `to_regprocedure` reads them. */
  readonly functions: readonly string[];
  /** The attribute number: the same as long as the column lives, whatever its name. */
  readonly number?: number;
  /** The value, as text, that rows have which were there when the column was added with a default; absent when none is stored. */
  readonly missing?: string;
}

/** A unique index whose columns are a key. */
export interface KeyModel {
  readonly name: string;
  readonly columns: readonly string[];
  readonly includedColumns: readonly string[];
  readonly isDeferrable: boolean;
  readonly isInitiallyDeferred: boolean;
  /** The index's definition from USING on; it names no table. */
  readonly body: string;
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
  /** In the order that it has them itself. */
  readonly columns: readonly ColumnModel[];
  readonly primaryKey: KeyModel | null;
}

export interface TableModel {
  readonly name: QualifiedName;
  /** Tables that it inherits from, in their order; none for a partition. */
  readonly inherits: readonly QualifiedName[];
  /** `RANGE (…)`, `LIST (…)` or `HASH (…)` for a partitioned table, else null. */
  readonly partitionKey: string | null;
  readonly columns: readonly ColumnModel[];
  /** Attribute numbers of columns that are dropped. */
  readonly droppedNumbers?: readonly number[];
  readonly primaryKey: KeyModel | null;
  readonly replicaIdentity: ReplicaIdentity;
  /** The index that REPLICA IDENTITY USING INDEX names, unless it is the primary key's. */
  readonly identityIndex: KeyModel | null;
  /** Parents before their children. */
  readonly partitions: readonly PartitionModel[];
}

/** The name of something that several tables share. */
export interface SharedName {
  readonly schema: string;
  readonly name: string;
}

export interface DomainCheck {
  readonly name: string;
  /** As PostgreSQL writes it, without NOT VALID. */
  readonly definition: string;
  readonly isValidated: boolean;
}

export interface AttributeModel {
  readonly name: string;
  readonly type: string;
  /** Only when it is not the type's own. */
  readonly collation: SharedName | null;
}

export interface RangeModel {
  readonly subtype: string;
  readonly multirangeName: string;
  /** Each as SQL, and only when it is not what PostgreSQL takes by itself. */
  readonly operatorClass: string | null;
  readonly collation: SharedName | null;
  readonly canonical: string | null;
  readonly subtypeDiff: string | null;
}

/** A collation of the user's. Its version is the server's matter. */
export interface CollationModel extends SharedName {
  readonly provider: 'builtin' | 'libc' | 'icu';
  readonly isDeterministic: boolean;
  /** Of ICU and builtin. */
  readonly locale: string | null;
  readonly rules: string | null;
  /** Of libc. */
  readonly collate: string | null;
  readonly ctype: string | null;
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
    | {
        readonly kind: 'enum';
        readonly labels: readonly string[];
        /** The OID of each label: the same as long as the type lives, whatever the label's name. */
        readonly labelOids?: readonly number[];
      }
    | {
        readonly kind: 'domain';
        readonly baseType: string;
        readonly isNotNull: boolean;
        /** The name of its NOT NULL; null where it has none (before PostgreSQL 17). */
        readonly notNullName: string | null;
        readonly defaultExpression: string | null;
        readonly collation: { readonly schema: string; readonly name: string } | null;
        readonly checks: readonly DomainCheck[];
      }
    | {
        readonly kind: 'composite';
        readonly attributes: readonly AttributeModel[];
      }
    | ({ readonly kind: 'range' } & RangeModel)
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
  readonly collations: readonly CollationModel[];
  readonly extensions: readonly ExtensionModel[];
}
