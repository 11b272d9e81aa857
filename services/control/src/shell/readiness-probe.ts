import { type Kysely, sql } from 'kysely';
import { SERVICE_NAMES } from '@bunnydb/contracts';
import type { Messaging } from '@bunnydb/messaging';
import type { CatalogTables } from './catalog/catalog-tables.js';
import type { HeartbeatBoard } from './process/heartbeat-board.js';

/** What the whole system needs in order to work, and whether each part is there. */
export class ReadinessProbe {
  readonly #catalog: Kysely<CatalogTables>;
  readonly #messaging: Messaging;
  readonly #heartbeats: HeartbeatBoard;

  constructor(catalog: Kysely<CatalogTables>, messaging: Messaging, heartbeats: HeartbeatBoard) {
    this.#catalog = catalog;
    this.#messaging = messaging;
    this.#heartbeats = heartbeats;
  }

  async look(): Promise<Readonly<Record<string, boolean>>> {
    const services = SERVICE_NAMES.filter((name) => name !== 'control');
    return {
      catalog: await this.#answers(),
      nats: this.#messaging.connected,
      ...Object.fromEntries(services.map((name) => [name, this.#heartbeats.isAlive(name)])),
    };
  }

  async #answers(): Promise<boolean> {
    try {
      await sql`select 1`.execute(this.#catalog);
      return true;
    } catch {
      // Whatever the reason, the answer to "is it there" is no.
      return false;
    }
  }
}
