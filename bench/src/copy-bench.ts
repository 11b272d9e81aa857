import type { BenchServers } from './bench-servers.js';
import type { Peer } from './drain-target.js';
import { pollPause, withPeerRun } from './peer-run.js';
import { median, textTable } from './report.js';

export interface CopyOptions {
  readonly rows: number;
  readonly runs: number;
}

export type CopyShape = 'wide' | 'narrow';

const SOURCE = 'copy_source';
const TEMPLATE = 'copy_template';
const PUBLICATION = 'bench_copy';
const DEADLINE_MS = 1_200_000;

const TABLES: Readonly<
  Record<CopyShape, { readonly ddl: string; readonly rows: (n: number) => string }>
> = {
  wide: {
    ddl: `create table copied (id bigint primary key, a integer, b integer, c numeric(12,2), d timestamptz, e uuid, f text, g text,
      h jsonb, i double precision, j boolean, k varchar(200), l text[])`,
    rows: (
      n,
    ) => `insert into copied select i, i, i % 1000, i / 7.0, '2024-01-01'::timestamptz + i * interval '1 second',
      md5(i::text)::uuid, repeat(md5(i::text), 8), 'text ' || i, jsonb_build_object('id', i, 'tags', array['a', 'b'], 'pad', repeat('x', 120)),
      i * 1.1, i % 2 = 0, repeat('k', 100), array['one', i::text] from generate_series(1, ${n}) i`,
  },
  narrow: {
    ddl: 'create table copied (aid integer primary key, bid integer, abalance integer, filler char(84))',
    rows: (n) => `insert into copied select i, i / 100000, 0, '' from generate_series(1, ${n}) i`,
  },
};

/** The initial copy of one table, primary key in place, against native table synchronisation, in turn. */
export async function runCopyBench(
  shape: CopyShape,
  servers: BenchServers,
  peers: readonly Peer[],
  options: CopyOptions,
  note: (line: string) => void,
): Promise<string> {
  const { ddl, rows } = TABLES[shape];
  await servers.source.recreateDatabase(SOURCE);
  await servers.destination.recreateDatabase(TEMPLATE);
  await servers.destination.withClient(TEMPLATE, (client) => client.query(ddl));
  const bytes = await servers.source.withClient(SOURCE, async (client) => {
    await client.query(ddl);
    await client.query(rows(options.rows));
    await client.query('vacuum analyze');
    await client.query(`create publication ${PUBLICATION} for table copied`);
    const answer = await client.query<{ bytes: string }>(`select pg_table_size('copied') as bytes`);
    return Number(answer.rows[0]?.bytes);
  });
  const seconds = new Map<string, number[]>(peers.map((peer) => [peer.name, []]));
  for (let turn = 1; turn <= options.runs; turn += 1) {
    for (const [index, peer] of peers.entries()) {
      const run = turn * 10 + index;
      const taken = await withPeerRun(
        {
          peer,
          servers,
          sourceDatabase: SOURCE,
          destinationDatabase: `copy_run_${run}`,
          destinationTemplate: TEMPLATE,
          publication: PUBLICATION,
          slot: `copy_run_${run}`,
          tables: ['copied'],
          copy: true,
          run,
        },
        async ({ prepared }) => {
          const start = performance.now();
          await prepared.go();
          while (!(await prepared.isCopied())) {
            if (performance.now() - start > DEADLINE_MS) throw new Error('the copy did not finish');
            await pollPause();
          }
          return (performance.now() - start) / 1000;
        },
      );
      note(`copy-${shape} run ${turn} ${peer.name}: ${taken.toFixed(2)} s`);
      seconds.get(peer.name)?.push(taken);
    }
  }
  return copyTable(shape, options.rows, bytes, seconds);
}

function copyTable(
  shape: CopyShape,
  rows: number,
  bytes: number,
  seconds: ReadonlyMap<string, readonly number[]>,
): string {
  const native = median(seconds.get('native') ?? [Number.NaN]);
  const lines = [...seconds].map(([peer, taken]) => {
    const middle = median(taken);
    return [
      `copy-${shape}`,
      peer,
      middle.toFixed(2),
      (native / middle).toFixed(2),
      String(Math.round(rows / middle)),
      (bytes / 1024 / 1024 / middle).toFixed(0),
    ];
  });
  return `\n${textTable([['copy', 'peer', 's', 'ratio', 'rows/s', 'MiB/s'], ...lines])}\n`;
}
