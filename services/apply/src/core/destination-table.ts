import type { QualifiedName } from '@bunnydb/pg-model';

/** A column of a destination table, as far as writing to it depends on it. */
export interface DestinationColumn {
  readonly name: string;
  /**
   * The type that values are read as: of a domain the type below it, and without a length, so that neither a NULL in a row that
   * is only staged nor a length that changed meanwhile makes a difference. Assigning to the column applies both.
   */
  readonly typeOid: number;
  readonly typeText: string;
  readonly isGenerated: boolean;
  /** GENERATED ALWAYS AS IDENTITY: takes values in INSERT and COPY, but not in UPDATE. */
  readonly isIdentityAlways: boolean;
  /** The type's equality operator as SQL; one of an extension is named with its schema, since no search path is set. */
  readonly equals: string;
  /** How two values are compared where no key helps; see `full-match.ts`. */
  readonly comparison: ColumnComparison;
}

export const COLUMN_COMPARISONS = ['equal', 'equal_and_text', 'text'] as const;
export type ColumnComparison = (typeof COLUMN_COMPARISONS)[number];

/** What the destination's catalog says about a table of the mirror. */
export interface DestinationTable {
  readonly name: QualifiedName;
  readonly oid: number;
  readonly isPartitioned: boolean;
  readonly columns: readonly DestinationColumn[];
  /** Columns of the primary key, else of a unique index over NOT NULL columns, else none. */
  readonly key: readonly string[];
  /** Changes when a column is added, dropped or altered. */
  readonly fingerprint: string;
}
