import type { TableMapping } from '@bunnydb/contracts';
import type { FailureReport } from '@bunnydb/failure';
import type { RelationFacts, RelationIndex } from './relation-facts.js';
import type { WishProblem } from './resolve-wishes.js';

/** What a server says about itself and about what the user may do on it. */
export interface ServerFacts {
  readonly version: string;
  readonly versionNumber: number;
  readonly user: string;
  readonly database: string;
  readonly encoding: string;
  readonly isStandby: boolean;
  readonly isReadOnly: boolean;
  readonly isSuperuser: boolean;
  readonly walLevel: string;
  readonly slotsMax: number;
  readonly slotsUsed: number;
  readonly walSendersMax: number;
  readonly walSendersUsed: number;
  /** REPLICATION, superuser, or the role that a managed service has for it. */
  readonly canReplicate: boolean;
  /** CREATE on the database: schemas and publications. */
  readonly canCreateInDatabase: boolean;
  readonly canSetReplicationRole: boolean;
  /** Same for two connections exactly when they reach the same database of the same running server. */
  readonly identity: string;
  /** Schemas that exist → whether the user may create in them. */
  readonly schemas: ReadonlyMap<string, boolean>;
}

/** A server that did not answer, or what it said. */
export type Reached<Facts> =
  | { readonly ok: true; readonly facts: Facts }
  | { readonly ok: false; readonly failure: FailureReport };

export interface PublicationFacts {
  readonly name: string;
  readonly viaPartitionRoot: boolean;
  /** Which of insert, update, delete and truncate it leaves out. */
  readonly operationsLeftOut: readonly string[];
  /** By `keyOf`. */
  readonly tables: ReadonlyMap<string, PublishedTable>;
}

/** A table as a publication has it. */
export interface PublishedTable {
  readonly columns: readonly string[];
  /** As PostgreSQL prints it, in parentheses. */
  readonly rowFilter: string | null;
}

/** What trying a row filter on the source showed. */
export interface RowFilterFacts {
  readonly table: RelationFacts;
  /** PostgreSQL's error code when the filter was refused. */
  readonly sqlstate: string | null;
  /** Columns that the filter reads. */
  readonly columns: readonly string[];
}

export interface SourceFacts {
  readonly server: ServerFacts;
  readonly relations: RelationIndex;
  readonly slotNames: readonly string[];
  /** The publication that the user named, if it exists. */
  readonly publication: PublicationFacts | null;
  readonly rowFilters: readonly RowFilterFacts[];
}

export interface DestinationFacts {
  readonly server: ServerFacts;
  readonly relations: RelationIndex;
  /** Names, as `schema NUL table`, of the mirror's destination tables that hold rows. */
  readonly filledTables: ReadonlySet<string>;
}

/** Everything that the pre-flight judges. */
export interface PreflightFacts {
  readonly source: Reached<SourceFacts>;
  readonly destination: Reached<DestinationFacts>;
  readonly tables: readonly TableMapping[];
  readonly wishProblems: readonly WishProblem[];
  /** Names that the user chose, if any. */
  readonly publicationName: string | null;
  readonly slotName: string | null;
}
