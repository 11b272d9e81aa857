import type { QualifiedName } from '@bunnydb/pg-model';

/** One privilege of an access control list; `role` is null for PUBLIC. */
export interface Grant {
  readonly role: string | null;
  readonly privilege: string;
  readonly grantable: boolean;
}

/** Null: nothing was ever granted or revoked, the defaults hold. */
export type Acl = readonly Grant[] | null;

/** What two tables must have in common to be put in each other's place. */
export interface ColumnShape {
  readonly name: string;
  readonly type: string;
  readonly collation: string | null;
  readonly isNotNull: boolean;
  /** Since PostgreSQL 18 it is a constraint with a name. */
  readonly notNullName: string | null;
  readonly expression: string | null;
  readonly generation: string;
  readonly identity: string;
}

/** What else is said of a column. */
export interface ColumnFacts {
  readonly name: string;
  readonly comment: string | null;
  readonly statistics: number | null;
  readonly options: readonly string[] | null;
  readonly acl: Acl;
}

/** The sequence behind an identity column, or one that a column owns. */
export interface ColumnSequenceFacts {
  readonly schema: string;
  readonly name: string;
  readonly column: string;
  readonly isIdentity: boolean;
  readonly comment: string | null;
  readonly acl: Acl;
}

export interface IndexFacts {
  readonly name: string;
  readonly isUnique: boolean;
  readonly isPartial: boolean;
  /** Key columns; null for an expression. */
  readonly columns: readonly (string | null)[];
  readonly isValid: boolean;
  readonly isPrimary: boolean;
  readonly isReplicaIdentity: boolean;
  readonly isClustered: boolean;
  /** As `IndexModel.body`: names neither the index nor its table. */
  readonly body: string;
  readonly options: readonly string[] | null;
  readonly tablespace: string | null;
  readonly comment: string | null;
  /** Statistics targets of its expressions, by position. */
  readonly statistics: readonly { readonly position: number; readonly target: number }[];
  readonly constraint: string | null;
  /** The constraint's definition, when it stands behind one. */
  readonly definition: string | null;
  readonly constraintComment: string | null;
}

export interface CheckFacts {
  readonly name: string;
  readonly definition: string;
  readonly comment: string | null;
}

export interface ForeignKeyFacts {
  /** The table that has the key. */
  readonly schema: string;
  readonly table: string;
  readonly name: string;
  readonly referencedSchema: string;
  readonly referencedTable: string;
  /** With the names of both tables' schemas, and NOT VALID when it is not. */
  readonly definition: string;
  readonly isValidated: boolean;
  readonly isEnforced: boolean;
  readonly comment: string | null;
}

export interface TriggerFacts {
  readonly name: string;
  readonly definition: string;
  /** `pg_trigger.tgenabled`. */
  readonly enabled: string;
  readonly comment: string | null;
}

export interface PolicyFacts {
  readonly name: string;
  readonly isPermissive: boolean;
  /** `all`, `select`, … */
  readonly command: string;
  /** Null stands for PUBLIC. */
  readonly roles: readonly (string | null)[];
  readonly using: string | null;
  readonly withCheck: string | null;
  readonly comment: string | null;
}

export interface StatisticsFacts {
  readonly schema: string;
  readonly name: string;
  readonly owner: string;
  readonly kinds: readonly string[];
  readonly columns: string;
  readonly target: number | null;
  readonly comment: string | null;
}

export interface PublicationFacts {
  readonly name: string;
  readonly columns: readonly string[] | null;
  readonly filter: string | null;
}

/** An ordinary table with everything that hangs on it and goes when it is dropped. */
export interface TableFacts {
  readonly name: QualifiedName;
  readonly owner: string;
  readonly isUnlogged: boolean;
  readonly accessMethod: string;
  readonly tablespace: string | null;
  readonly options: readonly string[] | null;
  readonly toastOptions: readonly string[] | null;
  readonly hasRowSecurity: boolean;
  readonly forcesRowSecurity: boolean;
  /** `pg_class.relreplident`. */
  readonly replicaIdentity: string;
  readonly comment: string | null;
  readonly acl: Acl;
  readonly shape: readonly ColumnShape[];
  readonly columns: readonly ColumnFacts[];
  readonly sequences: readonly ColumnSequenceFacts[];
  readonly indexes: readonly IndexFacts[];
  readonly checks: readonly CheckFacts[];
  /** Keys of this table, those to itself among them. */
  readonly foreignKeys: readonly ForeignKeyFacts[];
  /** Keys of other tables that point to this one. */
  readonly inboundKeys: readonly ForeignKeyFacts[];
  readonly triggers: readonly TriggerFacts[];
  readonly policies: readonly PolicyFacts[];
  readonly statistics: readonly StatisticsFacts[];
  readonly publications: readonly PublicationFacts[];
  /** Why it cannot be put away for another table, in words. */
  readonly obstacles: readonly string[];
}
