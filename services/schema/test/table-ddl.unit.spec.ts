import { ReplicaIdentity } from '@bunnydb/pg-model';
import { describe, expect, it } from 'vitest';
import type { ColumnModel, SequenceModel, TableModel } from '../src/core/catalog-model.js';
import type { DestinationObjects } from '../src/core/column-ddl.js';
import { createTableDdl } from '../src/core/table-ddl.js';
import { createTypeStatements } from '../src/core/type-ddl.js';
import { orderTypes, typeKey } from '../src/core/type-order.js';

const SEQUENCE: SequenceModel = {
  schema: 'public',
  name: 'users_id_seq',
  reference: 'public.users_id_seq',
  isOwned: true,
  dataType: 'integer',
  start: '1',
  increment: '1',
  minimum: '1',
  maximum: '2147483647',
  cache: '1',
  cycles: false,
};
const OPTIONS = 'start with 1 increment by 1 minvalue 1 maxvalue 2147483647 cache 1 no cycle';
const NOTHING: DestinationObjects = {
  hasSequence: () => false,
  hasIndex: () => false,
  hasFunction: () => false,
  hasVirtualColumns: true,
  hasNotNullConstraints: true,
};

function column(name: string, overrides: Partial<ColumnModel> = {}): ColumnModel {
  return {
    name,
    type: 'integer',
    isNotNull: false,
    notNullConstraint: null,
    isLocal: true,
    expression: null,
    generation: 'none',
    identity: 'none',
    identityOptions: null,
    collation: null,
    sequences: [],
    functions: [],
    ...overrides,
  };
}

function table(columns: readonly ColumnModel[], overrides: Partial<TableModel> = {}): TableModel {
  return {
    name: { schema: 'public', table: 'users' },
    inherits: [],
    partitionKey: null,
    columns,
    primaryKey: null,
    replicaIdentity: ReplicaIdentity.Default,
    identityIndex: null,
    partitions: [],
    ...overrides,
  };
}

function ddl(
  model: TableModel,
  destination = 'public.users',
  excluded: readonly string[] = [],
  objects = NOTHING,
): readonly string[] {
  const [schema = '', name = ''] = destination.split('.');
  const mapping = {
    source: model.name,
    destination: { schema, table: name },
    exclude_columns: excluded,
  };
  return createTableDdl(model, mapping, objects).statements;
}

const PRIMARY_KEY = {
  name: 'users_pkey',
  columns: ['id'],
  includedColumns: [],
  isDeferrable: false,
  isInitiallyDeferred: false,
  definition: 'PRIMARY KEY (id)',
  body: 'USING btree (id)',
};

describe('createTableDdl', () => {
  it('moves a serial column with its sequence into the schema of the destination', () => {
    const id = column('id', {
      isNotNull: true,
      expression: `nextval('public.users_id_seq'::regclass)`,
      sequences: [SEQUENCE],
    });
    expect(ddl(table([id], { primaryKey: PRIMARY_KEY }), 'copy.users')).toEqual([
      `create sequence "copy"."users_id_seq" as integer ${OPTIONS}`,
      'create table "copy"."users" ("id" integer' +
        ` default pg_catalog.nextval('"copy"."users_id_seq"'::pg_catalog.regclass) not null,` +
        ' constraint "users_pkey" PRIMARY KEY (id))',
      'alter sequence "copy"."users_id_seq" owned by "copy"."users"."id"',
    ]);
  });

  it('leaves the name of the key to PostgreSQL under another table name', () => {
    expect(ddl(table([column('id')], { primaryKey: PRIMARY_KEY }), 'public.people')).toEqual([
      'create table "public"."people" ("id" integer, PRIMARY KEY (id))',
    ]);
  });

  it('writes identity, generation and collation as they are', () => {
    const columns = [
      column('a', { identity: 'always', identityOptions: SEQUENCE, isNotNull: true }),
      column('b', { generation: 'stored', expression: '(a * 2)' }),
      column('c', { generation: 'virtual', expression: '(a * 3)' }),
      column('d', { type: 'text', collation: { schema: 'pg_catalog', name: 'C' } }),
    ];
    const created = (objects: DestinationObjects): string | undefined =>
      ddl(table(columns), 'public.users', [], objects)[0];
    expect(created(NOTHING)).toBe(
      'create table "public"."users" ("a" integer generated always as identity' +
        ` (sequence name "public"."users_id_seq" ${OPTIONS}) not null,` +
        ' "b" integer generated always as ((a * 2)) stored,' +
        ' "c" integer generated always as ((a * 3)) virtual,' +
        ' "d" text collate "pg_catalog"."C")',
    );
    expect(created({ ...NOTHING, hasVirtualColumns: false })).toContain('((a * 3)) stored');
  });

  it('leaves out excluded columns, and a key that needs one', () => {
    const model = table([column('id'), column('secret')], {
      primaryKey: { ...PRIMARY_KEY, columns: ['id', 'secret'] },
    });
    expect(ddl(model, 'public.users', ['secret'])).toEqual([
      'create table "public"."users" ("id" integer)',
    ]);
  });

  it('leaves out a default whose function the destination lacks, and says so', () => {
    const model = table([
      column('id', { expression: 'public.next_id()', functions: ['public.next_id()'] }),
    ]);
    const mapping = { source: model.name, destination: model.name, exclude_columns: [] };
    expect(createTableDdl(model, mapping, NOTHING)).toEqual({
      statements: ['create table "public"."users" ("id" integer)'],
      defaultsLeftOut: ['id'],
      sequences: [],
    });
    expect(
      createTableDdl(model, mapping, { ...NOTHING, hasFunction: () => true }).statements[0],
    ).toContain('default public.next_id()');
  });

  it('makes the index that the replica identity uses', () => {
    const identityIndex = {
      ...PRIMARY_KEY,
      name: 'by "email"',
      columns: ['email'],
      body: 'USING btree (email)',
      definition: null,
    };
    const model = table([column('email')], {
      replicaIdentity: ReplicaIdentity.Index,
      identityIndex,
    });
    expect(ddl(model)[1]).toBe(
      'create unique index "by ""email""" on "public"."users" USING btree (email)',
    );
  });

  it('makes a partitioned table with its partitions beside it', () => {
    const model = table([column('id')], {
      partitionKey: 'RANGE (id)',
      partitions: [
        {
          name: { schema: 'public', table: 'users_1' },
          parent: { schema: 'public', table: 'users' },
          bound: 'FOR VALUES FROM (0) TO (10)',
          partitionKey: 'LIST (id)',
          columns: [column('id')],
          primaryKey: { ...PRIMARY_KEY, name: 'one_pkey' },
        },
        {
          name: { schema: 'cold', table: 'users_2' },
          parent: { schema: 'public', table: 'users_1' },
          bound: 'DEFAULT',
          partitionKey: null,
          columns: [column('other', { expression: '1' }), column('id')],
          primaryKey: null,
        },
      ],
    });
    expect(ddl(model, 'copy.people')).toEqual([
      'create table "copy"."people" ("id" integer) partition by RANGE (id)',
      'create table "copy"."users_1" ("id" integer, constraint "one_pkey" PRIMARY KEY (id)) partition by LIST (id)',
      'alter table "copy"."people" attach partition "copy"."users_1" FOR VALUES FROM (0) TO (10)',
      'create table "cold"."users_2" ("other" integer default 1, "id" integer)',
      'alter table "copy"."users_1" attach partition "cold"."users_2" DEFAULT',
    ]);
  });
});

describe('types', () => {
  it('come after all that they are made of', () => {
    const mood = { schema: 's', name: 'mood', needs: [], kind: 'enum', labels: ['a'] } as const;
    const moods = { schema: 's', name: '_mood', needs: [typeKey(mood)], kind: 'implied' } as const;
    const pair = {
      schema: 's',
      name: 'pair',
      needs: [typeKey(moods)],
      kind: 'composite',
      attributes: [{ name: 'm', type: 's.mood[]', collation: null }],
    } as const;
    expect(orderTypes([pair, moods, mood]).map((type) => type.name)).toEqual([
      'mood',
      '_mood',
      'pair',
    ]);
  });

  it('are written with quotes doubled and checks kept', () => {
    expect(
      createTypeStatements({ schema: 's', name: 'm', needs: [], kind: 'enum', labels: [`it's`] }),
    ).toEqual([`create type "s"."m" as enum ('it''s')`]);
    expect(
      createTypeStatements({
        schema: 's',
        name: 'positive',
        needs: [],
        kind: 'domain',
        baseType: 'integer',
        isNotNull: true,
        notNullName: 'positive_not_null',
        defaultExpression: '1',
        collation: null,
        checks: [
          { name: 'ok', definition: 'CHECK ((VALUE > 0))', isValidated: true },
          { name: 'late', definition: 'CHECK ((VALUE > 1))', isValidated: false },
        ],
      }),
    ).toEqual([
      'create domain "s"."positive" as integer default 1 not null constraint "ok" CHECK ((VALUE > 0))',
      'alter domain "s"."positive" add constraint "late" CHECK ((VALUE > 1)) not valid',
    ]);
  });
});
