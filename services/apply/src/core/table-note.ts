import type { FailureReport } from '@bunnydb/failure';
import type { QualifiedName } from '@bunnydb/pg-model';

/** What the main lane's transaction notes of a table, by its source name, beside the rows. */
export type TableNote =
  /** The shape that its rows have from here on. */
  | { readonly tag: 'shape'; readonly table: QualifiedName; readonly relation: string }
  /** It leaves the main lane: its changes are parked from this transaction on. */
  | {
      readonly tag: 'parked';
      readonly table: QualifiedName;
      readonly state: 'held' | 'error' | 'resyncing';
      readonly failure: FailureReport | null;
      /** When it is tried again by itself; null: a person is needed. */
      readonly nextRetryAt: string | null;
      readonly renamedTo?: QualifiedName;
    }
  /** It is beside the main lane and has another name at the source: changes of that name are parked with its others. */
  | { readonly tag: 'renamed'; readonly table: QualifiedName; readonly renamedTo: QualifiedName };
