import { type ComparedTable, equalDatabases, until } from '@bunnydb/testkit';
import type pg from 'pg';
import type { ApiClient, MirrorRequest, MirrorView, TableView } from './api-client.js';

/** A table that every pair has and every mirror carries. */
export const MARK_TABLE = 'public.e2e_mark';
export const MARK_SCHEMA = `create table ${MARK_TABLE} (id uuid primary key default gen_random_uuid())`;

const CATCH_UP_DEADLINE_MS = 60_000;
const STATUS_DEADLINE_MS = 60_000;

/** A database of a mirror under test. */
export interface MirrorSide {
  /** The present one: a server may be restarted. */
  readonly session: () => pg.Client;
  readonly url: string;
}

/** A mirror under test, with a session on either side. */
export class MirrorFixture {
  readonly name: string;
  readonly #request: MirrorRequest;
  readonly #api: ApiClient;
  readonly #source: MirrorSide;
  readonly #destination: MirrorSide;

  constructor(request: MirrorRequest, api: ApiClient, source: MirrorSide, destination: MirrorSide) {
    this.name = request.name;
    this.#request = request;
    this.#api = api;
    this.#source = source;
    this.#destination = destination;
  }

  async create(): Promise<void> {
    await this.#api.createMirror(this.#request);
  }

  view(): Promise<MirrorView> {
    return this.#api.mirror(this.name);
  }

  /** Creates the mirror unless it is there: what a client does that got no answer. */
  async ensureCreated(): Promise<void> {
    const { status } = await this.#api.call('GET', `/v1/mirrors/${this.name}`);
    if (status === 404) await this.create();
  }

  /** Waits for a status; the failure tells what the mirror says of itself. */
  async waitForStatus(status: string, timeoutMs: number = STATUS_DEADLINE_MS): Promise<MirrorView> {
    let last = await this.view();
    await until(async () => (last = await this.view()).status === status, {
      timeoutMs,
      intervalMs: 100,
      what: () =>
        `mirror ${this.name} to be ${status}; it is ${last.status} (${last.phase ?? ''}) ${last.error_message ?? ''}`,
    });
    return last;
  }

  /** Waits for a table's status; the failure tells what the table says of itself. */
  async waitForTable(
    table: string,
    status: string,
    timeoutMs: number = STATUS_DEADLINE_MS,
  ): Promise<TableView> {
    let last: TableView | undefined;
    await until(
      async () => {
        last = (await this.view()).tables?.find((candidate) => candidate.table_name === table);
        return last?.status === status;
      },
      {
        timeoutMs,
        intervalMs: 100,
        what: () =>
          `table ${table} to be ${status}; it is ${last?.status ?? 'absent'} ${last?.error_message ?? ''}`,
      },
    );
    if (!last) throw new Error(`the mirror has no table ${table}`);
    return last;
  }

  /** Asks for another try, which the table may just have had by itself, and waits until it streams with the others. */
  async retryTable(table: string): Promise<void> {
    const { status } = await this.#api.call('POST', `/v1/mirrors/${this.name}/retry`, { table });
    if (status !== 200 && status !== 409) throw new Error(`the retry was answered with ${status}`);
    await this.waitForTable(table, 'running');
  }

  /** Waits until the destination's position has passed everything that is committed at the source now. */
  async waitForCatchUp(timeoutMs: number = CATCH_UP_DEADLINE_MS): Promise<void> {
    const target = await this.#markedSourceLsn();
    let position = 'none';
    await until(
      async () => {
        const answer = await this.#destination
          .session()
          .query<{ lsn: string; reached: boolean }>(
            `select lsn::text, lsn >= $2::pg_lsn as reached from _bunny.position where mirror_name = $1`,
            [this.name, target],
          );
        position = answer.rows[0]?.lsn ?? 'none';
        return answer.rows[0]?.reached === true;
      },
      {
        timeoutMs,
        what: () => `the destination of ${this.name} to reach ${target}; it is at ${position}`,
      },
    );
  }

  /** Waits until no table has a lane of its own: from then on each transaction is seen as a whole. */
  async waitForOneLane(): Promise<void> {
    let apart: readonly string[] = [];
    await until(
      async () => {
        apart = await this.#tablesApart();
        return apart.length === 0;
      },
      {
        timeoutMs: STATUS_DEADLINE_MS,
        what: () => `all tables of ${this.name} to be together; ${apart.join(', ')}`,
      },
    );
  }

  /** The tables that have a lane of their own, each with its state. */
  async #tablesApart(): Promise<readonly string[]> {
    return (await this.#places()).filter(isApart).map(textOf);
  }

  async #places(): Promise<readonly TablePlace[]> {
    const { rows } = await this.#destination.session().query<TablePlace>(
      `select t.source_table as table, t.state, t.destination_schema || '.' || t.destination_table as destination,
              to_regclass(format('%I.%I', t.destination_schema, t.destination_table)) is null as is_moved
         from _bunny.table_state t join _bunny.position p using (mirror_id)
        where p.mirror_name = $1`,
      [this.name],
    );
    return rows;
  }

  /** Waits until these tables have taken up with the others: until then their lanes may be behind. One that is held is what it is. */
  async #waitForLanes(pairs: readonly ComparedTable[], timeoutMs: number): Promise<void> {
    const wanted = new Set(pairs.map(({ destination: { schema, table } }) => `${schema}.${table}`));
    let behind: readonly TablePlace[] = [];
    await until(
      async () => {
        const places = await this.#places();
        const known = new Set(places.map(({ destination }) => destination));
        // A partition is not known either, but then nothing has moved.
        const isMoving = [...wanted].some((destination) => !known.has(destination));
        behind = places.filter(
          (place) =>
            (isMoving && place.is_moved && isApart(place)) ||
            (wanted.has(place.destination) && isApart(place) && !WAITING.has(place.state)),
        );
        return behind.length === 0;
      },
      {
        timeoutMs,
        what: () => `lanes of ${this.name} to end: ${behind.map(textOf).join(', ')}`,
      },
    );
  }

  /** Catches up, with the lanes of these tables, too, then compares every table row by row; throws with the differences. */
  async waitForEqual(
    pairs: readonly ComparedTable[],
    timeoutMs: number = CATCH_UP_DEADLINE_MS,
  ): Promise<void> {
    await this.waitForCatchUp(timeoutMs);
    await this.#waitForLanes(pairs, timeoutMs);
    const { equal, tables } = await equalDatabases(this.#source.url, this.#destination.url, pairs);
    if (equal) return;
    const differences = tables.filter((table) => !table.equal).map(({ difference }) => difference);
    const apart = await this.#tablesApart();
    throw new Error(
      `source and destination differ:\n${differences.join('\n')}\ntables with a lane of their own: ${apart.join(', ') || 'none'}`,
    );
  }

  /** Deletes the mirror and waits until it is gone. */
  async remove(): Promise<void> {
    await this.#api.deleteMirror(this.name);
    await until(
      async () => (await this.#api.call('GET', `/v1/mirrors/${this.name}`)).status === 404,
      { timeoutMs: STATUS_DEADLINE_MS, intervalMs: 100, what: `mirror ${this.name} to be gone` },
    );
  }

  /**
   * A position that lies behind all that is committed now and before a row that is written now. Without that row the mirror would get there
   * too, but only with its idle progress, every few seconds. It is committed synchronously, because the servers under test do not do so by
   * themselves and only flushed WAL is sent.
   */
  async #markedSourceLsn(): Promise<string> {
    const { rows } = await this.#source
      .session()
      .query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
    await this.#source
      .session()
      .query(
        `begin; set local synchronous_commit = on; insert into ${MARK_TABLE} default values; commit`,
      );
    const lsn = rows[0]?.lsn;
    if (lsn === undefined) throw new Error('the source has no WAL position');
    return lsn;
  }
}

/** Where a table of the mirror is. */
interface TablePlace {
  readonly table: string;
  readonly state: string;
  readonly destination: string;
  /** The destination has given the table another name, which the applier has yet to take up. */
  readonly is_moved: boolean;
}

const isApart = ({ state }: TablePlace): boolean => state !== 'running';
const textOf = ({ table, state }: TablePlace): string => `${table} is ${state}`;

/** States that a person ends. */
const WAITING: ReadonlySet<string> = new Set(['held', 'error']);
