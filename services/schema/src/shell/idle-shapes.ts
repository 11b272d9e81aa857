import type { MirrorSpec, SchemaFollowRequest } from '@bunnydb/contracts';
import type { Messaging } from '@bunnydb/messaging';
import { type Lsn, compareLsn, formatQualifiedName, parseLsn } from '@bunnydb/pg-model';
import type pg from 'pg';
import { askLanes } from './ask-lanes.js';
import type { FollowSessions } from './follow-sessions.js';
import { followTables } from './follow-tables.js';
import { endOfWal } from './stream-patience.js';

export interface IdleShapesOptions {
  readonly spec: MirrorSpec;
  readonly messaging: Messaging;
  readonly follow: FollowSessions;
}

/**
 * Follows the shape of tables that nobody writes to. The stream tells a new shape before the first row that has it, so a table that stays idle would keep the old one for
 * as long as it does. Its shape is followed as the applier would have it followed, once the stream has passed the moment at which the difference was seen:
 * then no row of the old shape is on its way.
 */
export class IdleShapes {
  readonly #options: IdleShapesOptions;
  #seenAt: Lsn | undefined;
  #seen = '';

  constructor(options: IdleShapesOptions) {
    this.#options = options;
  }

  /** Whether the stream has got to where it was waited for. */
  isDue(position: string | null): boolean {
    return (
      this.#seenAt !== undefined &&
      position !== null &&
      compareLsn(parseLsn(position), this.#seenAt) >= 0
    );
  }

  /**
   * @param destinations tables of an old shape.
   * @param seen what was seen of the source: after another change, the stream is waited for anew.
   * @returns what was made, in words.
   */
  async follow(
    source: pg.Client,
    position: string | null,
    destinations: readonly string[],
    seen: string,
  ): Promise<readonly string[]> {
    if (destinations.length === 0 || seen !== this.#seen) {
      this.#seen = seen;
      this.#seenAt = destinations.length === 0 ? undefined : await endOfWal(source);
      return [];
    }
    if (!this.isDue(position)) return [];
    this.#seenAt = undefined;
    const { spec, messaging, follow } = this.#options;
    const mappings = spec.tables.filter((table) =>
      destinations.includes(formatQualifiedName(table.destination)),
    );
    const reply = await followTables(follow, {
      spec,
      tables: mappings.map((mapping) => mapping.source),
      cause: ALTERED,
    });
    if (!reply.ok) return [];
    const recopied = reply.tables.filter(({ outcome }) => outcome.tag === 'recopy');
    const names = new Set(recopied.map(({ table }) => formatQualifiedName(table)));
    await askLanes(
      messaging,
      spec,
      { action: 'resync', strategy: spec.options.resync_strategy, together: false },
      mappings
        .filter((mapping) => names.has(formatQualifiedName(mapping.source)))
        .map((mapping) => formatQualifiedName(mapping.destination)),
    );
    return reply.made;
  }
}

/** The poll knows that something was altered, not by which command. */
const ALTERED: SchemaFollowRequest['cause'] = {
  kind: 'ddl',
  tag: 'ALTER TABLE',
  role: '',
  search_path: '',
  objects: [],
};
