import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { RealSchema } from './real-schema.js';

/** Clients that do the application's transactions, one after another and at a steady rate, until they are stopped. */
export class ApplicationLoad {
  readonly #clients: Promise<void>[];
  #stopped = false;
  #committed = 0;

  constructor(url: string, { transactions }: RealSchema, clients: number) {
    this.#clients = Array.from({ length: clients }, (_, number) =>
      this.#run(url, transactions, number),
    );
    // A client that fails is told of by `stop`.
    for (const client of this.#clients) client.catch(() => undefined);
  }

  get committed(): number {
    return this.#committed;
  }

  /** @throws Error when a transaction failed other than by a deadlock. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
  }

  async #run(url: string, transactions: readonly string[], number: number): Promise<void> {
    const client = new pg.Client({ connectionString: url, application_name: 'application' });
    await client.connect();
    try {
      for (let turn = number; !this.#stopped; turn += 1) {
        const turnEnd = delay(TURN_MS);
        const sql = transactions[turn % transactions.length] ?? '';
        try {
          await client.query(sql, [Math.random()]);
          this.#committed += 1;
        } catch (error) {
          if (!(error instanceof pg.DatabaseError) || error.code !== DEADLOCK) throw error;
        }
        await turnEnd;
      }
    } finally {
      await client.end();
    }
  }
}

/** Of one client: fast enough that hot rows change in every reading, and no measurement of the machine. */
const TURN_MS = 8;
const DEADLOCK = '40P01';
