import type { QualifiedName } from '@bunnydb/pg-model';
import type { TablePlan } from '../core/table-plan.js';

/** What a command of a destination transaction is; comes back with its error. */
export type WriteLabel =
  | {
      readonly action: 'copy' | 'row' | 'set' | 'stage' | 'count';
      readonly plan: TablePlan;
      /** The change's number in its batch; only the exact path tells its rows apart. */
      readonly seq?: number;
    }
  /** A table outside the main lane, by its source name. */
  | { readonly action: 'park'; readonly source: QualifiedName }
  | { readonly action: 'truncate'; readonly tables: readonly string[] }
  | { readonly action: 'position' | 'fingerprint' | 'transaction' };
