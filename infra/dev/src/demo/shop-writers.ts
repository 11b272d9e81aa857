import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

const WRITERS = 4;
const RECONNECT_MS = 1_000;
/** How far behind its schedule a writer may catch up in a burst. */
const BURST_MS = 1_000;

/** Live writes on the shop: several sessions that share one schedule of transactions. */
export class ShopWriters {
  readonly #url: string;
  readonly #intervalMs: number;
  readonly #stopping = new AbortController();
  readonly #loops: Promise<void>[] = [];
  #nextMs = 0;
  #committed = 0;
  #inHand = 0;
  #paused: PromiseWithResolvers | undefined;
  #onIdle: (() => void) | undefined;

  constructor(url: string, transactionsPerSecond: number) {
    this.#url = url;
    this.#intervalMs = 1000 / transactionsPerSecond;
  }

  /** How many transactions have been committed. */
  get committed(): number {
    return this.#committed;
  }

  start(): void {
    this.#nextMs = performance.now();
    for (let writer = 0; writer < WRITERS; writer += 1) this.#loops.push(this.#write());
  }

  /** Resolves when no transaction is in hand and none will start until `resume`. */
  async pause(): Promise<void> {
    this.#paused ??= withResolvers();
    if (this.#inHand === 0) return;
    await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  resume(): void {
    this.#nextMs = performance.now();
    this.#paused?.resolve();
    this.#paused = undefined;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.resume();
    await Promise.all(this.#loops);
  }

  async #write(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const client = new pg.Client({
        connectionString: this.#url,
        application_name: 'shop writer',
      });
      client.on('error', () => undefined);
      try {
        await client.connect();
        await this.#writeOn(client);
      } catch {
        // The source is away, as it may be in a demo where one stops it: the writers come back with it.
        await delay(RECONNECT_MS, undefined, { signal: this.#stopping.signal }).catch(
          () => undefined,
        );
      } finally {
        await client.end().catch(() => undefined);
      }
    }
  }

  async #writeOn(client: pg.Client): Promise<void> {
    while (await this.#turn()) {
      try {
        await client.query('select shop_demo.step()');
        this.#committed += 1;
      } finally {
        this.#inHand -= 1;
        if (this.#inHand === 0) this.#onIdle?.();
      }
    }
  }

  /** Waits for the next place in the schedule; false when the writers stop. */
  async #turn(): Promise<boolean> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#paused?.promise;
      const now = performance.now();
      const mine = Math.max(this.#nextMs, now - BURST_MS);
      this.#nextMs = mine + this.#intervalMs;
      if (mine > now) await delay(mine - now, undefined, { signal }).catch(() => undefined);
      // The pause may have begun during the wait.
      if (this.#paused !== undefined || signal.aborted) continue;
      // Here and not at the caller's: nothing may come between the look at the pause and the count.
      this.#inHand += 1;
      return true;
    }
    return false;
  }
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function withResolvers(): PromiseWithResolvers {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((resolvePromise) => (resolve = resolvePromise));
  return { promise, resolve };
}
