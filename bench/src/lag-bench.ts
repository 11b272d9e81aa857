import type pg from 'pg';
import type { BenchServers } from './bench-servers.js';
import type { Peer } from './drain-target.js';
import { pollPause, withPeerRun } from './peer-run.js';
import { textTable } from './report.js';

export interface LagOptions {
  readonly tps: number;
  readonly seconds: number;
}

const SOURCE = 'lag_source';
const TEMPLATE = 'lag_template';
const PUBLICATION = 'bench_lag';
const SESSIONS = 4;
const WARM_UP_SECONDS = 3;
const CATCH_UP_DEADLINE_MS = 60_000;

/**
 * How long a row takes from its insert at the source to its insert at the destination, at a steady rate. The destination's table has a
 * column more, filled by its clock: commit times would lie, since native replication copies the origin's.
 */
export async function runLagBench(
  servers: BenchServers,
  peers: readonly Peer[],
  options: LagOptions,
  note: (line: string) => void,
): Promise<string> {
  const ddl =
    'create table lag (id bigint primary key, sent timestamptz not null default clock_timestamp(), pad text)';
  await servers.source.recreateDatabase(SOURCE);
  await servers.source.withClient(SOURCE, async (client) => {
    await client.query(ddl);
    await client.query(`create publication ${PUBLICATION} for table lag`);
  });
  await servers.destination.recreateDatabase(TEMPLATE);
  await servers.destination.withClient(TEMPLATE, (client) => client.query(ddl));
  const rows: string[][] = [['lag', 'peer', 'tps', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms']];
  for (const [run, peer] of peers.entries()) {
    await servers.source.withClient(SOURCE, (client) => client.query('truncate lag'));
    const lag = await withPeerRun(
      {
        peer,
        servers,
        sourceDatabase: SOURCE,
        destinationDatabase: `lag_run_${run}`,
        destinationTemplate: TEMPLATE,
        publication: PUBLICATION,
        slot: `lag_run_${run}`,
        tables: ['lag'],
        copy: false,
        run,
      },
      async ({ prepared, source, destination }) => {
        await destination.query(
          'alter table lag add column seen timestamptz default clock_timestamp()',
        );
        await prepared.go();
        const sent = await writeSteadily(servers, options);
        await waitForRows(destination, sent.rows);
        const measured = await percentiles(destination, options);
        await destination.query('alter table lag drop column seen');
        await source.query('analyze lag');
        return { ...measured, tps: sent.rows / sent.seconds };
      },
    );
    note(`lag ${peer.name}: p50 ${lag.p50.toFixed(1)} ms, p99 ${lag.p99.toFixed(1)} ms`);
    rows.push([
      'lag',
      peer.name,
      lag.tps.toFixed(0),
      ...[lag.p50, lag.p95, lag.p99, lag.max].map((ms) => ms.toFixed(1)),
    ]);
  }
  return `\n${textTable(rows)}\n`;
}

/** Sessions that insert one row per transaction, each at its share of the rate. */
async function writeSteadily(
  servers: BenchServers,
  options: LagOptions,
): Promise<{ readonly rows: number; readonly seconds: number }> {
  const perSession = Math.round(((options.seconds + WARM_UP_SECONDS) * options.tps) / SESSIONS);
  const intervalMs = (1000 * SESSIONS) / options.tps;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: SESSIONS }, (_, session) =>
      servers.source.withClient(SOURCE, async (client) => {
        // The walsender only sends what is flushed, and the bench's source flushes late by default.
        await client.query('set synchronous_commit = on');
        for (let i = 0; i < perSession; i += 1) {
          const waitMs = start + i * intervalMs - performance.now();
          if (waitMs >= 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
          await client.query({
            name: 'write',
            text: 'insert into lag (id, pad) values ($1, $2)',
            values: [i * SESSIONS + session, 'padding of some length'],
          });
        }
      }),
    ),
  );
  return { rows: perSession * SESSIONS, seconds: (performance.now() - start) / 1000 };
}

async function waitForRows(destination: pg.Client, rows: number): Promise<void> {
  const deadline = performance.now() + CATCH_UP_DEADLINE_MS;
  for (;;) {
    const answer = await destination.query<{ n: number }>('select count(*)::integer as n from lag');
    if (answer.rows[0]?.n === rows) return;
    if (performance.now() > deadline) {
      throw new Error(`the destination has ${answer.rows[0]?.n} of ${rows} rows and stays there`);
    }
    await pollPause();
  }
}

async function percentiles(
  destination: pg.Client,
  options: LagOptions,
): Promise<{ p50: number; p95: number; p99: number; max: number }> {
  const { rows } = await destination.query<{ p: number[] }>(
    `select percentile_cont(array[0.5, 0.95, 0.99, 1]) within group (order by extract(epoch from seen - sent)::float8 * 1000) as p
     from lag where id >= $1`,
    [WARM_UP_SECONDS * options.tps],
  );
  const [p50, p95, p99, max] = rows[0]?.p ?? [];
  if (p50 === undefined || p95 === undefined || p99 === undefined || max === undefined) {
    throw new Error('no row was measured');
  }
  return { p50, p95, p99, max };
}
