import {
  DEFAULT_MIRROR_OPTIONS,
  type MirrorOptions,
  type MirrorSpec,
  type PeerConnection,
  type TableMapping,
  type TableStatus,
} from '@bunnydb/contracts';
import type { ConnectionSettings } from '@bunnydb/pg-client';
import { formatQualifiedName, parseQualifiedName } from '@bunnydb/pg-model';
import { type TestDatabase, createDatabase, equalDatabases, until } from '@bunnydb/testkit';
import type { CopyTableProgress } from '../src/core/copy-progress.js';
import { ensureBookkeeping } from '../src/shell/bookkeeping.js';
import { type CopySummary, copyPendingTables } from '../src/shell/copy-tables.js';

/** A wish of a test: a table of the same name on both sides unless it says otherwise. */
export type TestTable = string | TableMapping;

export interface CopyAttempt {
  readonly options?: Partial<MirrorOptions>;
  readonly signal?: AbortSignal;
  /** Other roles than the owners of the databases. */
  readonly sourceUser?: string;
  readonly destinationUser?: string;
  /** The epoch that the session has taken; 1 unless given. */
  readonly epoch?: number;
}

/** Two databases, and a mirror between them that is only ever copied. */
export class CopyFixture {
  readonly source: TestDatabase;
  readonly destination: TestDatabase;
  readonly mirrorId = 'copytest';
  readonly progress: CopyTableProgress[] = [];
  readonly states: string[] = [];
  /** Marks this fixture's sessions among those of other tests on the same server. */
  readonly applicationName = `copy ${Math.random().toString(36).slice(2)}`;

  private constructor(source: TestDatabase, destination: TestDatabase) {
    this.source = source;
    this.destination = destination;
  }

  static async open(
    options: { source?: string; destination?: string; sourceEncoding?: string } = {},
  ): Promise<CopyFixture> {
    const { source, destination, sourceEncoding } = options;
    return new CopyFixture(
      await createDatabase({ prefix: 'copy_src', serverUrl: source, encoding: sourceEncoding }),
      await createDatabase({ prefix: 'copy_dst', serverUrl: destination }),
    );
  }

  async close(): Promise<void> {
    await this.source.drop();
    await this.destination.drop();
  }

  /** The same structure on both sides. */
  async both(sql: string): Promise<void> {
    await this.source.query(sql);
    await this.destination.query(sql);
  }

  /** Copies what is not copied yet. */
  async copy(tables: readonly TestTable[], attempt: CopyAttempt = {}): Promise<CopySummary> {
    const mappings = tables.map(mappingOf);
    const epoch = attempt.epoch ?? 1;
    await this.#register(mappings, epoch);
    return await copyPendingTables({
      spec: this.#spec(mappings, attempt),
      epoch: String(epoch),
      source: this.#settings(this.source, attempt.sourceUser),
      destination: this.#settings(this.destination, attempt.destinationUser),
      signal: attempt.signal ?? new AbortController().signal,
      onProgress: (progress) => this.progress.push(progress),
      onTableState: (table, status: TableStatus, rows) =>
        this.states.push(`${formatQualifiedName(table)} ${status} ${rows}`),
    });
  }

  /** In words what differs; empty when both sides are equal. */
  async difference(tables: readonly TestTable[]): Promise<string> {
    const pairs = tables.map(mappingOf).map((mapping) => ({
      source: mapping.source,
      destination: mapping.destination,
      excludeColumns: mapping.exclude_columns,
    }));
    const { tables: compared } = await equalDatabases(this.source.url, this.destination.url, pairs);
    return compared
      .map((table) => table.difference)
      .join('\n')
      .trim();
  }

  /** Waits until nothing of a copy is left on either server: no session, no temporary slot. */
  async untilNothingIsLeft(): Promise<void> {
    for (const database of [this.source, this.destination]) {
      await until(
        async () => {
          const [left] = await database.query<{ count: number }>(
            `select (select count(*) from pg_stat_activity where application_name = $1)::int
                  + (select count(*) from pg_replication_slots where database = $2)::int as count`,
            [this.applicationName, database.name],
          );
          return left?.count === 0;
        },
        { timeoutMs: 10_000, what: 'the sessions and slots of the copy to end' },
      );
    }
  }

  /** Process id of the session that copies, once it does. */
  async backendOf(database: TestDatabase, queryLike: string, waitEvent?: string): Promise<number> {
    const pid = await until(
      async () => {
        const rows = await database.query<{ pid: number }>(
          `select pid from pg_stat_activity
            where datname = current_database() and application_name = $1 and query like $2 and state = 'active'
              and ($3::text is null or wait_event = $3)`,
          [this.applicationName, queryLike, waitEvent ?? null],
        );
        return rows[0]?.pid ?? 0;
      },
      { timeoutMs: 20_000, what: `a session with ${queryLike}` },
    );
    return pid;
  }

  async tableState(table: string): Promise<Record<string, unknown> | undefined> {
    const name = parseQualifiedName(table);
    const [row] = await this.destination.query(
      `select state, copy_lsn, rows_copied::int from _bunny.table_state
        where source_schema = $1 and source_table = $2`,
      [name.schema, name.table],
    );
    return row;
  }

  async #register(mappings: readonly TableMapping[], epoch: number): Promise<void> {
    const client = await this.destination.connect();
    try {
      await ensureBookkeeping(client);
      await client.query(
        `insert into _bunny.position (mirror_id, mirror_name, epoch, lsn, stream_seq, source_system_id)
         values ($1, 'copy-test', $2, '0/0', 0, '1')
         on conflict (mirror_id) do update set epoch = greatest(position.epoch, excluded.epoch)`,
        [this.mirrorId, epoch],
      );
      for (const { source, destination } of mappings) {
        await client.query(
          `insert into _bunny.table_state
             (mirror_id, source_schema, source_table, destination_schema, destination_table, state)
           values ($1, $2, $3, $4, $5, 'pending') on conflict do nothing`,
          [this.mirrorId, source.schema, source.table, destination.schema, destination.table],
        );
      }
    } finally {
      await client.end();
    }
  }

  #spec(tables: readonly TableMapping[], { options, destinationUser }: CopyAttempt): MirrorSpec {
    return {
      v: 1,
      id: this.mirrorId,
      name: 'copy-test',
      generation: 1,
      desired: 'run',
      source: peerOf(this.source),
      destination: {
        ...peerOf(this.destination),
        ...(destinationUser && { user: destinationUser }),
      },
      slot_name: 'unused',
      publication_name: 'unused',
      own_publication: false,
      tables,
      options: { ...DEFAULT_MIRROR_OPTIONS, ...options },
    };
  }

  #settings(database: TestDatabase, user: string | undefined): ConnectionSettings {
    return {
      host: database.host,
      port: database.port,
      user: user ?? database.user,
      database: database.name,
      sslMode: 'disable',
      applicationName: this.applicationName,
      ...(database.password === undefined ? {} : { password: database.password }),
    };
  }
}

function peerOf(database: TestDatabase): PeerConnection {
  return {
    name: 'peer',
    host: database.host,
    port: database.port,
    user: database.user,
    database: database.name,
    ssl_mode: 'disable',
  };
}

function mappingOf(table: TestTable): TableMapping {
  if (typeof table !== 'string') return table;
  const name = parseQualifiedName(table);
  return { source: name, destination: name, exclude_columns: [] };
}
