import { type TestDatabase, until } from '../src/index.js';

/** Writers on one database, and a follower that does the same on another one a moment later: what a mirror under load looks like. */
export class FollowedLoad {
  readonly #left: TestDatabase;
  readonly #right: TestDatabase;
  readonly #statement: (turn: number) => string;
  readonly #waiting: string[] = [];
  readonly #loops: Promise<void>[];
  #committed = 0;
  #followed = 0;
  #stopped = false;

  constructor(left: TestDatabase, right: TestDatabase, statement: (turn: number) => string) {
    this.#left = left;
    this.#right = right;
    this.#statement = statement;
    this.#loops = [this.#write(), this.#follow()];
  }

  /** Waits until the follower has what is committed now. */
  readonly catchUp = async (): Promise<void> => {
    const target = this.#committed;
    await until(() => this.#followed >= target, { intervalMs: 1, what: 'the follower' });
  };

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }

  async #write(): Promise<void> {
    while (!this.#stopped) {
      const sql = this.#statement(this.#committed + 1);
      await this.#left.query(sql);
      this.#waiting.push(sql);
      this.#committed += 1;
    }
  }

  async #follow(): Promise<void> {
    while (!this.#stopped || this.#waiting.length > 0) {
      const sql = this.#waiting.shift();
      if (sql === undefined) {
        await until(() => this.#stopped || this.#waiting.length > 0, { intervalMs: 1 });
      } else {
        await this.#right.query(sql);
        this.#followed += 1;
      }
    }
  }
}
