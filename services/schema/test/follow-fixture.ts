import { readFile } from 'node:fs/promises';
import type {
  FollowOutcome,
  MirrorOptions,
  MirrorSpec,
  SchemaFollowReply,
  SchemaFollowRequest,
  TableMapping,
} from '@bunnydb/contracts';
import { ReplicaIdentity } from '@bunnydb/pg-model';
import type { TestDatabase } from '@bunnydb/testkit';
import { FollowSessions } from '../src/shell/follow-sessions.js';
import { followTables } from '../src/shell/follow-tables.js';
import { SchemaFixture } from './schema-fixture.js';

type Mark = Extract<SchemaFollowRequest['cause'], { readonly kind: 'relation' }>;
type Followed = SchemaFollowReply & { readonly ok: true };

/** Two databases of a mirror whose structure is followed: one table `public.t` unless told otherwise. */
export class FollowFixture {
  readonly schema: SchemaFixture;
  readonly sessions: FollowSessions;
  readonly #stop: AbortController;

  private constructor(schema: SchemaFixture) {
    this.schema = schema;
    this.#stop = new AbortController();
    this.sessions = new FollowSessions((sealed) => sealed, this.#stop.signal);
  }

  static async open(): Promise<FollowFixture> {
    const fixture = new FollowFixture(await SchemaFixture.open());
    for (const statement of await bookkeeping()) await fixture.destination.query(statement);
    return fixture;
  }

  get source(): TestDatabase {
    return this.schema.source;
  }

  get destination(): TestDatabase {
    return this.schema.destination;
  }

  async close(): Promise<void> {
    await this.sessions.close();
    await this.schema.close();
  }

  /** Removes all tables and types of the schema `public`, and what is noted of them. */
  async clear(): Promise<void> {
    for (const database of [this.source, this.destination]) {
      await database.query('drop schema public cascade');
      await database.query('create schema public');
    }
    await this.destination.query('delete from _bunny.column_name');
    await this.destination.query('delete from _bunny.table_state');
  }

  /** Runs on both sides, and follows once, as the first mark of a table does. */
  async start(statements: string): Promise<void> {
    for (const database of [this.source, this.destination]) await database.query(statements);
    await this.follow();
  }

  /** What pgoutput would tell of the table now, or as it was when this was called. */
  async mark(name = 't', excluded: readonly string[] = []): Promise<Mark> {
    const rows = await this.source.query<{
      oid: string;
      name: string;
      type_oid: string;
      type_modifier: number;
    }>(
      `select c.oid::text, a.attname as name, a.atttypid::oid::text as type_oid, a.atttypmod as type_modifier
         from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.oid = $1::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        order by a.attnum`,
      [`public."${name}"`],
    );
    return {
      kind: 'relation',
      oid: Number(rows[0]?.oid),
      schema: 'public',
      table: name,
      identity: ReplicaIdentity.Default,
      columns: rows
        .filter((row) => !excluded.includes(row.name))
        .map((row) => ({
          name: row.name,
          type_oid: Number(row.type_oid),
          type_modifier: row.type_modifier,
          is_key: row.name === 'id',
        })),
    };
  }

  async follow(
    options: {
      readonly cause?: SchemaFollowRequest['cause'];
      readonly options?: Partial<MirrorOptions>;
      readonly mapping?: Partial<TableMapping>;
      readonly spec?: Partial<MirrorSpec>;
    } = {},
  ): Promise<{ readonly outcome: FollowOutcome | undefined } & Followed> {
    const table = { schema: 'public', table: 't' };
    const mapping = { source: table, destination: table, exclude_columns: [], ...options.mapping };
    const spec = this.schema.spec([mapping]);
    const reply = await followTables(this.sessions, {
      spec: { ...spec, options: { ...spec.options, ...options.options }, ...options.spec },
      tables: [mapping.source],
      cause: options.cause ?? (await this.mark('t', mapping.exclude_columns)),
    });
    if (!reply.ok) throw new Error(reply.failure.message);
    return { ...reply, outcome: reply.tables[0]?.outcome };
  }

  /** The columns of a table at the destination, each as one text. */
  async columns(table = 't'): Promise<readonly string[]> {
    return await columnsOf(this.destination, table);
  }

  async rows(database: TestDatabase, order = 'id'): Promise<readonly unknown[]> {
    return await database.query(`select * from public.t order by ${order}`);
  }
}

/** Name, type, default and NOT NULL of the columns, by name. */
export async function columnsOf(database: TestDatabase, table = 't'): Promise<readonly string[]> {
  const rows = await database.query<{ column: string }>(
    `select concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
              'default ' || pg_get_expr(d.adbin, d.adrelid), case when a.attnotnull then 'not null' end) as column
       from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped order by a.attname`,
    [`public.${table}`],
  );
  return rows.map((row) => row.column);
}

/** The applier's bookkeeping, as its own file makes it: services import one another neither in tests. */
async function bookkeeping(): Promise<readonly string[]> {
  const file = new URL('../../apply/src/shell/bookkeeping.ts', import.meta.url);
  const text = await readFile(file, 'utf8');
  const creates = [...text.matchAll(/`(create table if not exists _bunny\.[^`]+)`/g)];
  return ['create schema _bunny', ...creates.map((match) => match[1] ?? '')];
}
