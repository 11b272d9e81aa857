import type { Kysely } from 'kysely';
import type { TableStats } from '@bunnydb/contracts';
import type { Messaging } from '@bunnydb/messaging';
import {
  type LiveMirror,
  type MirrorObject,
  mirrorObject,
  tableObject,
} from '../core/view/mirror-object.js';
import { unattended } from '../core/view/unattended.js';
import type { CatalogTables } from './catalog/catalog-tables.js';
import {
  type MirrorRow,
  type MirrorTableRow,
  readMirrorTables,
  readMirrors,
} from './catalog/read-mirrors.js';
import type { HeartbeatBoard } from './process/heartbeat-board.js';
import type { StatsBoard } from './process/stats-board.js';

export type TableObject = ReturnType<typeof tableObject>;

/** Without either of them a mirror stands still. */
const STREAMING_SERVICES = ['capture', 'apply'] as const;

/** Mirrors as people see them: what the catalog holds, with what the workers tell at this moment. */
export class MirrorViews {
  readonly #catalog: Kysely<CatalogTables>;
  readonly #stats: StatsBoard;
  readonly #heartbeats: HeartbeatBoard;
  readonly #messaging: Pick<Messaging, 'connected'>;

  constructor(
    catalog: Kysely<CatalogTables>,
    stats: StatsBoard,
    heartbeats: HeartbeatBoard,
    messaging: Pick<Messaging, 'connected'>,
  ) {
    this.#catalog = catalog;
    this.#stats = stats;
    this.#heartbeats = heartbeats;
    this.#messaging = messaging;
  }

  async list(): Promise<readonly MirrorObject[]> {
    const rows = await readMirrors(this.#catalog);
    return Promise.all(rows.map((row) => this.summary(row)));
  }

  /** A mirror without its tables. */
  async summary(row: MirrorRow): Promise<MirrorObject> {
    return mirrorObject(row, await readMirrorTables(this.#catalog, row.mirror_id), this.#live(row));
  }

  /** A mirror with its tables. */
  async full(row: MirrorRow): Promise<MirrorObject & { readonly tables: readonly TableObject[] }> {
    const tables = await readMirrorTables(this.#catalog, row.mirror_id);
    return { ...mirrorObject(row, tables, this.#live(row)), tables: this.#shown(row, tables) };
  }

  async tables(row: MirrorRow): Promise<readonly TableObject[]> {
    return this.#shown(row, await readMirrorTables(this.#catalog, row.mirror_id));
  }

  #shown(row: MirrorRow, tables: readonly MirrorTableRow[]): readonly TableObject[] {
    const { apply } = this.#stats.statsOf(row.mirror_id);
    const told = new Map<string, TableStats>(apply?.tables.map((table) => [table.table, table]));
    const rates = this.#stats.ratesOf(row.mirror_id);
    return tables.map((table) => tableObject(table, told.get(table.source_table), rates));
  }

  #live(row: MirrorRow): LiveMirror {
    const { mirror_id: mirrorId, state, updated_at: updatedAt } = row;
    const workers = STREAMING_SERVICES.map((service) =>
      this.#heartbeats.seenAt(mirrorId, service, updatedAt.getTime()),
    );
    return {
      stats: this.#stats.statsOf(mirrorId),
      rates: this.#stats.ratesOf(mirrorId),
      held: this.#heartbeats.isHeld(mirrorId),
      unattended: unattended(state, workers, this.#messaging.connected),
    };
  }
}
