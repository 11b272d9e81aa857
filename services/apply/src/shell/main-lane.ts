import type { QualifiedName } from '@bunnydb/pg-model';

/** What lanes ask of the main lane; it is done between two batches, with nothing in flight. Tables are named as at the source. */
export interface MainLane {
  /**
   * Takes a table in: replays what is still parked of it and sets it `running`, in one transaction of the main lane's session.
   *
   * @throws MirrorError what the destination refuses; the table stays outside then.
   */
  join(table: QualifiedName): Promise<void>;
  /**
   * Lets `commit` change the tables' states at the destination, and from the next batch on parks the changes of those that are not `running`
   * then. Whoever takes a `running` table out has to do it here: else changes would go on being applied to it.
   */
  leave(commit: () => Promise<void>): Promise<void>;
}
