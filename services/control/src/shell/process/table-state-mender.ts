import type { TableStateChanged } from '@bunnydb/contracts';
import type { Kysely } from 'kysely';
import { mirrorStream } from '../../core/control-event.js';
import type { CatalogTables } from '../catalog/catalog-tables.js';
import type { MirrorHandler } from '../catalog/control-store.js';
import { readTablesOutside } from '../catalog/read-mirrors.js';
import type { StatsBoard } from './stats-board.js';

export interface MenderParts {
  readonly catalog: Kysely<CatalogTables>;
  readonly mirrors: MirrorHandler;
  readonly stats: StatsBoard;
  readonly now: () => Date;
  readonly newId: () => string;
}

/**
 * A table's state is told after it is committed at the destination, so an applier that dies between the two tells it never. Its successor's
 * statistics show the state nevertheless. A table that two of them in a row show as running, while the catalog says otherwise, is
 * recorded as running; without that, a resync that is over would seem to go on for ever.
 */
export class TableStateMender {
  readonly #parts: MenderParts;
  /** The time of the statistics that made each table suspect. */
  #suspects: ReadonlyMap<string, string> = new Map();

  constructor(parts: MenderParts) {
    this.#parts = parts;
  }

  /** @returns how many tables were put right. */
  async look(): Promise<number> {
    const { catalog, stats } = this.#parts;
    const suspects = new Map<string, string>();
    let mended = 0;
    for (const { mirror_id: mirrorId, source_table: table } of await readTablesOutside(catalog)) {
      const apply = stats.freshApply(mirrorId);
      const told = apply?.tables.find((known) => known.table === table);
      if (!apply || told?.status !== 'running') continue;
      const key = `${mirrorId} ${table}`;
      const before = this.#suspects.get(key);
      // What was told before the catalog knew is no second word.
      if (before !== undefined && before !== apply.at) {
        await this.#record(mirrorId, table);
        mended += 1;
      } else suspects.set(key, apply.at);
    }
    this.#suspects = suspects;
    return mended;
  }

  async #record(mirrorId: string, table: string): Promise<void> {
    const { mirrors, now, newId } = this.#parts;
    const event: TableStateChanged = {
      v: 1,
      event_id: newId(),
      type: 'table_state_changed',
      mirror_id: mirrorId,
      service: 'apply',
      instance: 'statistics',
      at: now().toISOString(),
      body: { table, status: 'running' },
    };
    await mirrors.handle(
      mirrorStream(mirrorId),
      { type: 'record', event, now: now(), random: 0 },
      { metadata: { actor: 'control' }, eventId: event.event_id },
    );
  }
}
