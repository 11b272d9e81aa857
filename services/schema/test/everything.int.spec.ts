import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { type PostgresServer, type TestDatabase, startPostgres } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeSchema, differenceOf } from './describe-schema.js';
import { EVERYTHING, EVERYTHING_TABLES, NEWEST, NEWEST_TABLES } from './everything-schema.js';
import { SchemaFixture } from './schema-fixture.js';

const run = promisify(execFile);

describe.each([15, 18] as const)('on PostgreSQL %i, a schema with everything in it', (version) => {
  let server: PostgresServer;
  let fixture: SchemaFixture;
  const tables = [...EVERYTHING_TABLES, ...(version === 18 ? NEWEST_TABLES : [])].map((name) => ({
    source: name,
    destination: name,
    exclude_columns: [],
  }));

  beforeAll(async () => {
    server = await startPostgres({ version });
    fixture = await SchemaFixture.open({ source: server.url, destination: server.url });
    await fixture.source.query(EVERYTHING);
    if (version === 18) await fixture.source.query(NEWEST);
    await fixture.source.query('drop table other.not_mirrored');
    await fixture.provision(tables);
    const result = await fixture.build(tables);
    expect(result).toMatchObject({ skipped: [], failed: [] });
  }, 120_000);

  afterAll(async () => {
    await fixture.close();
    await server.stop();
  });

  it('arrives so that the catalog tells no difference', async () => {
    const [source, destination] = await Promise.all(
      [fixture.source, fixture.destination].map(describeSchema),
    );
    expect(differenceOf(source ?? [], destination ?? [])).toEqual([]);
    expect(source?.length).toBeGreaterThan(200);
  });

  it('leaves nothing to compare or to build', async () => {
    expect(await fixture.diff(tables)).toMatchObject({ changes: [], notes: [], in_sync: true });
    expect(await fixture.build(tables)).toMatchObject({ built: [], skipped: [], failed: [] });
  });

  it('arrives so that pg_dump, where there is one, tells no difference', async (context) => {
    const program = findPgDump(version);
    if (program === undefined) {
      await context.annotate('no pg_dump on this machine; the catalog was compared all the same');
      return;
    }
    const [source, destination] = await Promise.all(
      [fixture.source, fixture.destination].map((database) => dump(program, database)),
    );
    expect(differenceOf(source ?? [], destination ?? [])).toEqual([]);
    expect(source?.length).toBeGreaterThan(100);
  });
});

/** pg_dump reads servers of its own version and older. */
function findPgDump(version: number): string | undefined {
  const root = '/usr/lib/postgresql';
  const installed = existsSync(root) ? readdirSync(root).map(Number) : [];
  return installed
    .filter((other) => other >= version)
    .map((other) => `${root}/${other}/bin/pg_dump`)
    .find((path) => existsSync(path));
}

/** The statements of a dump, sorted, since objects that lean on nothing come in any order. */
async function dump(program: string, database: TestDatabase): Promise<readonly string[]> {
  const { stdout } = await run(
    program,
    [
      '--schema-only',
      '--no-owner',
      '--no-privileges',
      '--no-tablespaces',
      '--exclude-schema=_bunny',
      `--dbname=${database.url}`,
    ],
    { maxBuffer: 64 << 20, env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' } },
  );
  return stdout
    .split(/\n--\n-- Name: [^\n]*\n--\n/)
    .map((entry) =>
      entry
        .replaceAll(' DEFERRABLE INITIALLY DEFERRED', '')
        .replace(/^\\(un)?restrict .*$/gm, '')
        .trim(),
    )
    .toSorted();
}
