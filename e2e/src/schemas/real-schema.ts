/** A schema as people have them, with rows and an application that works on it. */
export interface RealSchema {
  readonly name: string;
  /** Types, tables, functions and triggers; made before the rows. */
  readonly schema: string;
  readonly rows: string;
  /** Indexes and foreign keys, as a dump makes them after the rows. */
  readonly constraints: string;
  readonly tables: readonly string[];
  /** One transaction of the application: a call that takes a random number from 0 to below 1. */
  readonly transactions: readonly string[];
}
