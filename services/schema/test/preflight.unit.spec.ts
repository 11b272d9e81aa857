import type { PreflightCheck, TableMapping } from '@bunnydb/contracts';
import { MirrorError, reportOf } from '@bunnydb/failure';
import { describe, expect, it } from 'vitest';
import { judgePreflight } from '../src/core/preflight.js';
import type {
  DestinationFacts,
  PreflightFacts,
  ServerFacts,
  SourceFacts,
} from '../src/core/preflight-facts.js';
import { RelationIndex, keyOf } from '../src/core/relation-facts.js';
import { column, relation } from './relation-builder.js';

const SERVER: ServerFacts = {
  version: '17.4',
  versionNumber: 170_004,
  user: 'mi"rror',
  database: 'shop',
  encoding: 'UTF8',
  isStandby: false,
  isReadOnly: false,
  isSuperuser: false,
  walLevel: 'logical',
  slotsMax: 10,
  slotsUsed: 0,
  walSendersMax: 10,
  walSendersUsed: 0,
  canReplicate: true,
  canCreateInDatabase: true,
  canSetReplicationRole: true,
  identity: 'a/1/1',
  schemas: new Map([['public', true]]),
};

interface Overrides {
  readonly sourceServer?: Partial<ServerFacts>;
  readonly source?: Partial<SourceFacts>;
  readonly destinationServer?: Partial<ServerFacts>;
  readonly destination?: Partial<DestinationFacts>;
  readonly facts?: Partial<PreflightFacts>;
}

function judge(overrides: Overrides = {}): readonly PreflightCheck[] {
  const source: SourceFacts = {
    server: { ...SERVER, ...overrides.sourceServer },
    relations: new RelationIndex([relation('public.users')]),
    slotNames: [],
    publication: null,
    rowFilters: [],
    ...overrides.source,
  };
  const destination: DestinationFacts = {
    server: { ...SERVER, identity: 'b/1/1', ...overrides.destinationServer },
    relations: new RelationIndex([]),
    filledTables: new Set(),
    ...overrides.destination,
  };
  return judgePreflight({
    source: { ok: true, facts: source },
    destination: { ok: true, facts: destination },
    tables: [mapping('public.users')],
    wishProblems: [],
    publicationName: null,
    slotName: null,
    ...overrides.facts,
  });
}

function mapping(name: string, excluded: readonly string[] = []): TableMapping {
  const [schema = '', table = ''] = name.split('.');
  return { source: { schema, table }, destination: { schema, table }, exclude_columns: excluded };
}

/** The failed checks, name → fix. */
function failures(overrides: Overrides): Record<string, string> {
  const failed = judge(overrides).filter((check) => !check.ok);
  for (const check of failed) expect(check.fix, check.name).not.toBe('');
  return Object.fromEntries(failed.map((check) => [check.name, check.fix]));
}

describe('judgePreflight', () => {
  it('passes a mirror that nothing stands in the way of, without a fix', () => {
    const checks = judge();
    expect(checks.filter((check) => !check.ok)).toEqual([]);
    expect(checks.every((check) => check.fix === '')).toBe(true);
    expect(new Set(checks.map((check) => check.name)).size).toBe(checks.length);
  });

  it('tells all failures at once, each with the statement that mends it', () => {
    const fixes = failures({
      sourceServer: {
        walLevel: 'replica',
        slotsUsed: 9,
        walSendersUsed: 10,
        canReplicate: false,
        canCreateInDatabase: false,
      },
      destinationServer: {
        canSetReplicationRole: false,
        canCreateInDatabase: false,
        isReadOnly: true,
        schemas: new Map([['public', false]]),
      },
    });
    expect(fixes).toMatchObject({
      wal_level: 'ALTER SYSTEM SET wal_level = logical; -- then restart the source',
      replication_slots: expect.stringContaining('ALTER SYSTEM SET max_replication_slots = 14'),
      wal_senders: expect.stringContaining('ALTER SYSTEM SET max_wal_senders = 14'),
      replication_privilege: 'ALTER ROLE "mi""rror" REPLICATION;',
      publication_privilege: 'GRANT CREATE ON DATABASE "shop" TO "mi""rror";',
      destination_create:
        'GRANT CREATE ON DATABASE "shop" TO "mi""rror";\nGRANT USAGE, CREATE ON SCHEMA "public" TO "mi""rror";',
      destination_triggers: 'GRANT SET ON PARAMETER session_replication_role TO "mi""rror";',
      destination_writable: expect.stringContaining('default_transaction_read_only'),
    });
  });

  it('refuses old servers, standbys, and one database for both sides', () => {
    const old = { version: '14.9', versionNumber: 140_009 };
    expect(
      Object.keys(
        failures({
          sourceServer: { ...old, isStandby: true },
          destinationServer: { ...old, isStandby: true, identity: SERVER.identity },
        }),
      ),
    ).toEqual([
      'source_version',
      'source_primary',
      'destination_version',
      'destination_writable',
      'different_databases',
    ]);
  });

  it('goes on with the other side when one is out of reach', () => {
    const failure = reportOf(new MirrorError('source_unreachable', 'the source: no answer'));
    const checks = judge({ facts: { source: { ok: false, failure } } });
    expect(checks[0]).toMatchObject({
      name: 'source_reachable',
      ok: false,
      detail: 'the source: no answer',
    });
    expect(checks.some((check) => check.name === 'destination_writable' && check.ok)).toBe(true);
  });

  it('refuses tables that cannot identify their rows, partitions one by one', () => {
    const relations = new RelationIndex([
      relation('public.users', { kind: 'partitioned' }),
      relation('public.users_1', {
        partitionOf: { schema: 'public', table: 'users' },
        identityColumns: [],
        hasPrimaryKey: false,
      }),
      relation('public.users_2', { partitionOf: { schema: 'public', table: 'users' } }),
      relation('public.full', { identityColumns: [], replicaIdentity: 'full' }),
    ]);
    const tables = [mapping('public.users'), mapping('public.full')];
    expect(failures({ source: { relations }, facts: { tables } })).toEqual({
      replica_identity: expect.stringMatching(
        /^ALTER TABLE "public"."users_1" REPLICA IDENTITY FULL;/,
      ),
    });
  });

  it('refuses to leave out what identifies a row, or a column that is not there', () => {
    const tables = [mapping('public.users', ['id', 'ghost', 'note'])];
    const check = judge({ facts: { tables } }).find(({ name }) => name === 'exclude_columns');
    expect(check).toMatchObject({ ok: false });
    expect(check?.detail).toContain('no column ghost');
    expect(check?.detail).toContain('identifies its rows by id');
  });

  it('refuses a row filter that PostgreSQL refuses or that reads beyond the identity', () => {
    const table = relation('public.users');
    const filter = (sqlstate: string | null, columns: string[]): Record<string, string> =>
      failures({ source: { rowFilters: [{ table, sqlstate, columns }] } });
    expect(filter(null, ['id'])).toEqual({});
    expect(filter(null, ['note'])).toEqual({
      row_filters: 'ALTER TABLE "public"."users" REPLICA IDENTITY FULL;',
    });
    expect(Object.keys(filter('42601', []))).toEqual(['row_filters']);
  });

  it('refuses a slot that exists, and takes over a publication only if it fits', () => {
    expect(
      failures({ source: { slotNames: ['mine'] }, facts: { slotName: 'mine' } }),
    ).toHaveProperty('slot_name');
    const publication = {
      name: 'pub',
      viaPartitionRoot: false,
      operationsLeftOut: ['truncate'],
      tables: new Map([
        [keyOf({ schema: 'public', table: 'other' }), { columns: ['id'], rowFilter: null }],
      ]),
    };
    expect(failures({ source: { publication }, facts: { publicationName: 'pub' } })).toEqual({
      publication: [
        'ALTER PUBLICATION "pub" ADD TABLE "public"."users";',
        `ALTER PUBLICATION "pub" SET (publish = 'insert, update, delete, truncate');`,
        'ALTER PUBLICATION "pub" SET (publish_via_partition_root = true);',
      ].join('\n'),
    });
    expect(failures({ facts: { publicationName: 'gone' } })).toEqual({
      publication:
        'CREATE PUBLICATION "gone" FOR TABLE "public"."users" WITH (publish_via_partition_root = true);',
    });
  });

  it('compares destination tables that exist: rows, privileges, columns', () => {
    const target = relation('public.users', {
      canWrite: false,
      columns: [column('id'), column('must', { isNotNull: true })],
    });
    const fixes = failures({
      destination: {
        relations: new RelationIndex([target]),
        filledTables: new Set([keyOf(target.name)]),
      },
    });
    expect(fixes).toEqual({
      destination_privileges:
        'GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON "public"."users" TO "mi""rror";',
      destination_empty: expect.stringContaining('TRUNCATE "public"."users";'),
      destination_columns: [
        'ALTER TABLE "public"."users" ADD COLUMN "note" integer;',
        'ALTER TABLE "public"."users" ALTER COLUMN "must" DROP NOT NULL;',
      ].join('\n'),
    });
  });

  it('names source tables that cannot be read or published, and a mirror without tables', () => {
    const relations = new RelationIndex([
      relation('public.users', { canSelect: false, isOwner: false }),
    ]);
    expect(failures({ source: { relations } })).toEqual({
      publication_privilege: expect.stringContaining(
        'ALTER TABLE "public"."users" OWNER TO "mi""rror";',
      ),
      table_select: expect.stringContaining('GRANT SELECT ON "public"."users" TO "mi""rror";'),
    });
    expect(failures({ facts: { tables: [] } })).toHaveProperty('tables');
  });
});
