import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { until } from './until.js';
import { quoteIdentifier } from '@bunnydb/pg-model';

export interface DatabaseOptions {
  readonly prefix?: string;
  /** For example `LATIN1`; the server's own (UTF8) if it is not given. */
  readonly encoding?: string;
  readonly template?: string;
  /** The server; by default the shared one of the test run. */
  readonly serverUrl?: string;
}

const CREATE_TIMEOUT_MS = 30_000;
const DROP_TIMEOUT_MS = 30_000;

/** Creates a database of its own for one test. */
export async function createDatabase(options: DatabaseOptions = {}): Promise<TestDatabase> {
  const serverUrl = options.serverUrl ?? process.env['BUNNY_TEST_PG_URL'];
  if (serverUrl === undefined) {
    throw new Error(
      'no PostgreSQL for tests: run in the Vitest projects int or e2e, or set BUNNY_TEST_PG_URL',
    );
  }
  const name = `${options.prefix ?? 't'}_${randomBytes(5).toString('hex')}`;
  const template = options.template ?? (options.encoding === undefined ? undefined : 'template0');
  const clauses = [
    template === undefined ? '' : `template ${quoteIdentifier(template)}`,
    options.encoding === undefined ? '' : `encoding '${options.encoding}' locale 'C'`,
  ].join(' ');
  await atServer(serverUrl, async (client) => {
    // Two databases made at the same time from one template get in each other's way (55006).
    await until(
      async () => {
        try {
          await client.query(`create database ${quoteIdentifier(name)} ${clauses}`);
          return true;
        } catch (error) {
          if (sqlStateOf(error) === '55006') return false;
          throw error;
        }
      },
      { timeoutMs: CREATE_TIMEOUT_MS, what: `the template of ${name} to be unused` },
    );
  });
  return new TestDatabase(name, serverUrl);
}

/** A database that a test owns. */
export class TestDatabase {
  readonly name: string;
  readonly url: string;
  readonly #serverUrl: string;
  readonly #pool: pg.Pool;

  constructor(name: string, serverUrl: string) {
    this.name = name;
    this.#serverUrl = serverUrl;
    const url = new URL(serverUrl);
    url.pathname = `/${encodeURIComponent(name)}`;
    this.url = url.href;
    this.#pool = new pg.Pool({ connectionString: this.url, max: 4, application_name: 'testkit' });
    this.#pool.on('error', () => undefined);
  }

  get host(): string {
    return new URL(this.url).hostname;
  }

  get port(): number {
    return Number(new URL(this.url).port || 5432);
  }

  get user(): string {
    return decodeURIComponent(new URL(this.url).username);
  }

  get password(): string | undefined {
    const { password } = new URL(this.url);
    return password === '' ? undefined : decodeURIComponent(password);
  }

  /** Runs SQL on any session (several statements only without values) and gives the rows of the last result. */
  async query<Row extends pg.QueryResultRow = Record<string, unknown>>(
    sql: string,
    values?: readonly unknown[],
  ): Promise<Row[]> {
    const result: pg.QueryResult<Row> | pg.QueryResult<Row>[] =
      values === undefined
        ? await this.#pool.query<Row>(sql)
        : await this.#pool.query<Row>(sql, [...values]);
    return Array.isArray(result) ? (result.at(-1)?.rows ?? []) : result.rows;
  }

  /** A session of its own; the caller ends it. */
  async connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.url, application_name: 'testkit' });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  /** Drops it with everything that keeps it: replication slots, their readers, and all sessions. */
  async drop(): Promise<void> {
    await this.#pool.end();
    await atServer(this.#serverUrl, async (client) => {
      await until(() => dropSlots(client, this.name), {
        timeoutMs: DROP_TIMEOUT_MS,
        what: `the slots of ${this.name} to be released`,
      });
      await client.query(`drop database if exists ${quoteIdentifier(this.name)} with (force)`);
    });
  }
}

/** True when no slot of the database is left; a slot is released a moment after its reader was ended. */
async function dropSlots(client: pg.Client, database: string): Promise<boolean> {
  await client.query(
    'select pg_terminate_backend(active_pid) from pg_replication_slots where database = $1 and active',
    [database],
  );
  const { rows } = await client.query<{ name: string }>(
    'select slot_name as name from pg_replication_slots where database = $1',
    [database],
  );
  for (const { name } of rows) {
    try {
      await client.query('select pg_drop_replication_slot($1)', [name]);
    } catch (error) {
      // In use, or gone in the meantime: the next round sees which.
      if (!['55006', '42704'].includes(sqlStateOf(error))) throw error;
    }
  }
  return rows.length === 0;
}

async function atServer<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'testkit' });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function sqlStateOf(error: unknown): string {
  return error instanceof pg.DatabaseError ? (error.code ?? '') : '';
}
