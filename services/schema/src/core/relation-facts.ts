import type { QualifiedName } from '@bunnydb/pg-model';

/** A relation as a catalog lists it, with what pre-flight and table lists ask of it. */
export interface RelationFacts {
  /** Its number (OID), which stays when it is renamed. */
  readonly oid: number;
  readonly name: QualifiedName;
  readonly kind: 'table' | 'partitioned' | 'view' | 'materialized_view' | 'foreign' | 'other';
  readonly persistence: 'permanent' | 'unlogged' | 'temporary';
  /** The partitioned table that it is a partition of, if it is one. */
  readonly partitionOf: QualifiedName | null;
  /** Belongs to an extension, which brings its own content. */
  readonly isExtensionOwned: boolean;
  readonly columns: readonly RelationColumn[];
  /** Columns of the index that identifies a row in the WAL; empty without one. */
  readonly identityColumns: readonly string[];
  /** Columns of the identity that the source computes, so that the stream does not carry them. With PostgreSQL 18 that goes for an identity of all columns, too. */
  readonly computedIdentity: readonly string[];
  readonly replicaIdentity: 'default' | 'full' | 'index' | 'nothing';
  readonly hasPrimaryKey: boolean;
  readonly isOwner: boolean;
  readonly canSelect: boolean;
  /** INSERT, UPDATE, DELETE and TRUNCATE. */
  readonly canWrite: boolean;
  /** Policies would hide rows from the user, or refuse some. */
  readonly hasPoliciesForUser: boolean;
  readonly rowsEstimated: number;
  readonly bytes: number;
}

export interface RelationColumn {
  readonly name: string;
  readonly type: string;
  readonly isNotNull: boolean;
  readonly isGenerated: boolean;
  /** Filled by itself when nothing is given: a default or an identity. */
  readonly hasDefault: boolean;
}

/** Relations by name. */
export class RelationIndex {
  readonly #byName: ReadonlyMap<string, RelationFacts>;
  readonly all: readonly RelationFacts[];

  constructor(relations: readonly RelationFacts[]) {
    this.all = relations;
    this.#byName = new Map(relations.map((relation) => [keyOf(relation.name), relation]));
  }

  find(name: QualifiedName): RelationFacts | undefined {
    return this.#byName.get(keyOf(name));
  }

  /** The leaves below a partitioned table; a plain table is its own leaf. */
  leavesOf(relation: RelationFacts): readonly RelationFacts[] {
    if (relation.kind !== 'partitioned') return [relation];
    const key = keyOf(relation.name);
    return this.all
      .filter((other) => other.partitionOf && keyOf(other.partitionOf) === key)
      .flatMap((child) => this.leavesOf(child));
  }
}

/** A name as a map key; NUL cannot be in an identifier. */
export function keyOf(name: QualifiedName): string {
  return `${name.schema}\0${name.table}`;
}

/** Whether a schema is PostgreSQL's own or BunnyDB's. */
export function isSystemSchema(schema: string): boolean {
  return schema === 'information_schema' || schema === '_bunny' || schema.startsWith('pg_');
}
