import pg from 'pg';
import type { SeededRandom } from './random.js';
import { type StormTable, randomWrite, readStormTables } from './storm-tables.js';

export interface DdlStormOptions {
  /** Whether tables are renamed, dropped, and moved. */
  readonly movesTables: boolean;
}

/** Alters tables at random, by themselves and in transactions with writes. */
export class DdlStorm {
  readonly #client: pg.Client;
  readonly #random: SeededRandom;
  readonly #options: DdlStormOptions;
  readonly #history: string[] = [];
  readonly #names: StormNames;

  constructor(client: pg.Client, random: SeededRandom, options: DdlStormOptions) {
    this.#client = client;
    this.#random = random;
    this.#options = options;
    this.#names = new StormNames(random);
  }

  /** What was committed, in order. */
  get history(): readonly string[] {
    return this.#history;
  }

  /** One transaction; what the source refuses is no change. */
  async step(): Promise<void> {
    const random = this.#random;
    const tables = await readStormTables(this.#client);
    const table = random.of(tables);
    if (!table) throw new Error('the storm has no table left');
    const change = this.#randomChange(table, tables);
    if (change === undefined) return;
    const isAlone = change.includes('alter type storm.mood') || random.isBelow(0.4);
    const statements = isAlone ? [change] : [randomWrite(table, random), change];
    await this.#commit(statements, isAlone ? undefined : table.name);
  }

  async #commit(statements: readonly string[], written: string | undefined): Promise<void> {
    const client = this.#client;
    try {
      if (written === undefined) await client.query(statements.join('; '));
      else {
        await client.query('begin');
        for (const sql of statements) await client.query(sql);
        // Rows of the new shape in the same transaction.
        const after = (await readStormTables(client)).find(({ name }) => name === written);
        if (after) {
          const write = randomWrite(after, this.#random);
          await client.query(write);
        }
        await client.query('commit');
      }
      this.#history.push(statements.join('; '));
    } catch (error) {
      await client.query('rollback');
      if (!isRefusal(error)) throw error;
    }
  }

  #randomChange(table: StormTable, tables: readonly StormTable[]): string | undefined {
    const random = this.#random;
    const moves = this.#options.movesTables ? [renameTable, dropTable] : [];
    const kinds = [...CHANGES, ...CHANGES, ...moves, createTable];
    const make = random.of(kinds);
    return make?.(table, random, this.#names, tables);
  }
}

/** What a session that writes at the same time, or rows that do not fit, may lead to. */
function isRefusal(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^(23|42|2B|0A|40|55|22)/.test(error.code ?? '');
}

/** Writes to the storm's tables until it is stopped. */
export async function startStormWriter(
  connectionString: string,
  random: SeededRandom,
): Promise<{ stop(): Promise<number> }> {
  const client = new pg.Client({ connectionString, application_name: 'testkit' });
  client.on('error', () => undefined);
  await client.connect();
  const stopping = new AbortController();
  const loop = (async () => {
    let written = 0;
    for (let n = 0; !stopping.signal.aborted; n += 1) {
      const table = random.of(await readStormTables(client));
      try {
        if (table) await client.query(randomWrite(table, random));
        written += 1;
      } catch (error) {
        // The table was altered between the look and the write.
        if (!isRefusal(error)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    return written;
  })();
  loop.catch(() => undefined);
  return {
    stop() {
      stopping.abort();
      return loop.finally(() => client.end());
    },
  };
}

const PAUSE_MS = 25;

/** Names for what a storm makes. */
class StormNames {
  readonly #random: SeededRandom;
  readonly #former: string[] = [];
  #count = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  fresh(): string {
    return `n${(this.#count += 1)}`;
  }

  /** For a column: often a name that another one has had. */
  ofColumn(): string {
    return (this.#random.isBelow(0.4) ? this.#random.of(this.#former) : undefined) ?? this.fresh();
  }

  /** A column is about to lose its name. */
  leave(name: string): void {
    if (!name.startsWith('ref')) this.#former.push(name);
  }
}

type Change = (
  table: StormTable,
  random: SeededRandom,
  names: StormNames,
  tables: readonly StormTable[],
) => string | undefined;

const alter = (table: StormTable): string => `alter table storm.${table.name}`;

/** A column that may be changed at will. */
function columnOf(
  table: StormTable,
  random: SeededRandom,
): StormTable['columns'][number] | undefined {
  return random.of(table.columns.filter((column) => !column.isKey));
}

const NEW_COLUMNS = [
  'integer',
  'integer not null default 7',
  'bigint default 12345678901',
  'varchar(8)',
  `varchar(20) not null default 'twenty'`,
  'numeric(10, 2) default 1.25',
  'timestamptz not null default now()',
  'boolean default false',
  `storm.mood default 'sad'`,
  'date',
  `text default 'many'`,
] as const;

const addColumn: Change = (table, random, names) =>
  table.columns.length > 9
    ? undefined
    : `${alter(table)} add column ${names.ofColumn()} ${random.of(NEW_COLUMNS) ?? 'integer'}`;

const addReference: Change = (table, random, names) =>
  `${alter(table)} add column ref_${names.fresh()} integer references storm.anchor (id) on delete ${random.of(['set null', 'cascade', 'no action']) ?? ''}`;

const dropColumn: Change = (table, random, names) => {
  const column = columnOf(table, random);
  if (!column || table.columns.length <= 3) return undefined;
  names.leave(column.name);
  return `${alter(table)} drop column ${column.name}`;
};

const renameColumn: Change = (table, random, names) => {
  const column = columnOf(table, random);
  if (!column) return undefined;
  const name = column.name.startsWith('ref') ? `ref_${names.fresh()}` : names.ofColumn();
  names.leave(column.name);
  return `${alter(table)} rename ${column.name} to ${name}`;
};

const WIDER: Readonly<Record<string, string>> = {
  integer: 'bigint',
  bigint: 'numeric',
  'character varying(8)': 'varchar(30)',
  'character varying(10)': 'varchar(40)',
  'character varying(20)': 'text',
  'character varying(30)': 'text',
  'numeric(8,2)': 'numeric(14, 2)',
  'numeric(10,2)': 'numeric(16, 2)',
};

const widenType: Change = (table, random) => {
  const wide = table.columns.filter(
    ({ name, type }) => WIDER[type] !== undefined && !name.startsWith('ref'),
  );
  const column = random.of(wide);
  return column && `${alter(table)} alter ${column.name} type ${WIDER[column.type] ?? ''}`;
};

const changeDefault: Change = (table, random) => {
  const column = columnOf(table, random);
  if (!column) return undefined;
  if (column.hasDefault) return `${alter(table)} alter ${column.name} drop default`;
  const isNumber = /^(integer|bigint|numeric)/.test(column.type) && !column.name.startsWith('ref');
  return isNumber ? `${alter(table)} alter ${column.name} set default 42` : undefined;
};

const changeNull: Change = (table, random) => {
  const column = columnOf(table, random);
  if (!column) return undefined;
  if (column.isRequired) return `${alter(table)} alter ${column.name} drop not null`;
  const value = /^(integer|bigint|numeric)/.test(column.type) ? '1' : `'x'`;
  return column.type === 'text' || value === '1'
    ? `update storm.${table.name} set ${column.name} = ${value} where ${column.name} is null; ${alter(table)} alter ${column.name} set not null`
    : undefined;
};

const changeCheck: Change = (table, random, names) => {
  const check = random.of(table.checks);
  if (check !== undefined && random.isBelow(0.5)) return `${alter(table)} drop constraint ${check}`;
  const column = random.of(
    table.columns.filter(({ type }) => type === 'integer' || type === 'text'),
  );
  if (!column) return undefined;
  const rule = column.type === 'text' ? `length(${column.name}) < 1000` : `${column.name} > -5`;
  return `${alter(table)} add constraint ${names.fresh()} check (${rule})`;
};

const changeIndex: Change = (table, random, names) => {
  const index = random.of(table.indexes);
  if (index !== undefined && random.isBelow(0.5)) return `drop index ${index}`;
  const column = columnOf(table, random);
  if (!column) return undefined;
  const unique = random.isBelow(0.3);
  const keys = unique ? `id, ${column.name}` : column.name;
  return `create ${unique ? 'unique ' : ''}index ${names.fresh()} on storm.${table.name} (${keys})`;
};

const dropForeignKey: Change = (table, random) => {
  const key = random.of(table.foreignKeys);
  return key === undefined ? undefined : `${alter(table)} drop constraint ${key}`;
};

const comment: Change = (table, random, names) => {
  const column = columnOf(table, random);
  return column && `comment on column storm.${table.name}.${column.name} is '${names.fresh()}'`;
};

const addLabel: Change = (_, random, names) =>
  random.isBelow(0.5) ? `alter type storm.mood add value '${names.fresh()}'` : undefined;

const createTable: Change = (_, random, names, tables) => {
  if (tables.length > 6) return undefined;
  const name = names.fresh();
  return `create table storm.${name} (id serial primary key, a ${random.of(NEW_COLUMNS) ?? 'text'}, b text); insert into storm.${name} (b) select n from generate_series(1, 20) n`;
};

const renameTable: Change = (table, _, names) => `${alter(table)} rename to ${names.fresh()}`;

const dropTable: Change = (table, _, __, tables) =>
  tables.length > 3 ? `drop table storm.${table.name}` : undefined;

const CHANGES: readonly Change[] = [
  addColumn,
  addColumn,
  addReference,
  dropColumn,
  renameColumn,
  renameColumn,
  widenType,
  widenType,
  changeDefault,
  changeNull,
  changeCheck,
  changeIndex,
  changeIndex,
  dropForeignKey,
  comment,
  addLabel,
];
