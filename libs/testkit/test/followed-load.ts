import { type TestDatabase, until } from '../src/index.js';

/** Writers on one database, and a follower that does the same on another one a moment later: what a mirror under load looks like. */
export class FollowedLoad {
  readonly #left: TestDatabase;
  readonly #right: TestDatabase;
  readonly #statement: (turn: number) => string;
  readonly #waiting: string[] = [];
  readonly #writer: Promise<void>;
  readonly #follower: Promise<void>;
  #committed = 0;
  #followed = 0;
  #stopped = false;
  /** From then on nothing more comes: the last statement may be under way when the load is stopped. */
  #isWritten = false;

  constructor(left: TestDatabase, right: TestDatabase, statement: (turn: number) => string) {
    this.#left = left;
    this.#right = right;
    this.#statement = statement;
    this.#writer = this.#write();
    this.#follower = this.#follow();
  }

  /** Waits until the follower has what is committed now. */
  readonly catchUp = async (): Promise<void> => {
    const target = this.#committed;
    await until(() => this.#followed >= target, { intervalMs: 1, what: 'the follower' });
  };

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#writer.finally(() => {
      this.#isWritten = true;
    });
    await this.#follower;
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
    while (!this.#isWritten || this.#waiting.length > 0) {
      const sql = this.#waiting.shift();
      if (sql === undefined) {
        await until(() => this.#isWritten || this.#waiting.length > 0, { intervalMs: 1 });
      } else {
        await this.#right.query(sql);
        this.#followed += 1;
      }
    }
  }
}
