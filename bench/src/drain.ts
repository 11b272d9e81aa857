import pg from 'pg';
import { quoteIdentifier, quoteLiteral } from '@bunnydb/pg-model';
import { assertEqual } from './assert-equal.js';
import { BENCH_APPLICATION, type BenchServers } from './bench-servers.js';
import { type DrainTarget, type Peer, type PreparedPeer, addressUrl } from './drain-target.js';
import { dropSlot, pollPause } from './peer-run.js';
import { CpuMeter } from './process-cpu.js';
import type { Workload } from './workload.js';

const PUBLICATION = 'bench';
const BASE_SLOT = 'bench_base';
const SENTINEL_TABLE = 'bench_sentinel';
const SOURCE_DATABASE = 'bench_source';
const TEMPLATE_DATABASE = 'bench_template';
const DRAIN_DEADLINE_MS = 600_000;

export interface DrainOptions {
  readonly rows: number;
  readonly runs: number;
  readonly scale: number;
}

export interface DrainRun {
  readonly peer: string;
  readonly seconds: number;
  readonly rowsPerSecond: number;
  /** CPU microseconds per row, by group of processes. */
  readonly cpuMicrosPerRow: ReadonlyMap<string, number>;
  readonly peakRssBytes: ReadonlyMap<string, number>;
}

/**
 * Drains one backlog with each peer in turn, several times. All runs see the same WAL: a base slot is made before the
 * changes are written, and each run gets a copy of it. A run ends when the sentinel row, written last, is visible at the
 * destination, and counts only if both sides are equal then.
 */
export async function drainWorkload(
  workload: Workload,
  peers: readonly Peer[],
  servers: BenchServers,
  options: DrainOptions,
  note: (line: string) => void,
): Promise<DrainRun[]> {
  const tables = [...workload.tables, SENTINEL_TABLE];
  note(`${workload.name}: writing about ${options.rows} changes`);
  await writeBacklog(workload, tables, servers, options);
  const runs: DrainRun[] = [];
  for (let turn = 1; turn <= options.runs; turn += 1) {
    for (const peer of peers) {
      const run = runs.length + 1;
      const result = await drainOnce(peer, tables, servers, options.rows, run);
      note(
        `${workload.name} run ${turn} ${peer.name}: ${result.seconds.toFixed(2)} s, ${Math.round(result.rowsPerSecond)} rows/s`,
      );
      runs.push(result);
    }
  }
  await dropBacklog(servers);
  return runs;
}

async function writeBacklog(
  workload: Workload,
  tables: readonly string[],
  servers: BenchServers,
  options: DrainOptions,
): Promise<void> {
  const sentinel = `create table ${SENTINEL_TABLE} (id integer primary key)`;
  await servers.source.recreateDatabase(SOURCE_DATABASE);
  await servers.destination.recreateDatabase(TEMPLATE_DATABASE);
  for (const [server, database] of [
    [servers.source, SOURCE_DATABASE],
    [servers.destination, TEMPLATE_DATABASE],
  ] as const) {
    await server.withClient(database, async (client) => {
      await client.query(workload.setup(options.scale));
      await client.query(sentinel);
      await client.query('vacuum analyze');
    });
  }
  await servers.source.withClient(SOURCE_DATABASE, async (client) => {
    await client.query(
      `create publication ${PUBLICATION} for table ${tables.map(quoteIdentifier).join(', ')}`,
    );
    await client.query(
      `select pg_create_logical_replication_slot(${quoteLiteral(BASE_SLOT)}, 'pgoutput')`,
    );
    for (const statement of workload.generate(options.rows, options.scale))
      await client.query(statement);
    await client.query(`insert into ${SENTINEL_TABLE} values (1)`);
  });
}

async function drainOnce(
  peer: Peer,
  tables: readonly string[],
  servers: BenchServers,
  rows: number,
  run: number,
): Promise<DrainRun> {
  const slot = `bench_run_${run}`;
  const database = `bench_run_${run}`;
  await servers.destination.recreateDatabase(database, TEMPLATE_DATABASE);
  const admin = await servers.source.connect(SOURCE_DATABASE);
  const destination = await servers.destination.connect(database);
  try {
    await admin.query(`select pg_copy_logical_replication_slot($1, $2)`, [BASE_SLOT, slot]);
    await admin.query('checkpoint');
    await destination.query('checkpoint');
    const target: DrainTarget = {
      source: servers.source.address(SOURCE_DATABASE),
      destination: servers.destination.address(database),
      slot,
      publication: PUBLICATION,
      tables,
      copy: false,
      run,
    };
    const prepared = await peer.prepare(target);
    try {
      const measured = await measure(prepared, admin, destination, target);
      await assertEqual(target.source, target.destination, tables);
      const perRow = [...measured.meter.totals()].map(
        ([group, seconds]) => [group, (seconds * 1e6) / rows] as const,
      );
      return {
        peer: peer.name,
        seconds: measured.seconds,
        rowsPerSecond: rows / measured.seconds,
        cpuMicrosPerRow: new Map(perRow),
        peakRssBytes: prepared.peakRss(),
      };
    } catch (error) {
      throw new Error(`a run of ${peer.name} failed\n${prepared.log()}`, { cause: error });
    } finally {
      await prepared.stop();
    }
  } finally {
    await destination.end();
    await dropSlot(admin, slot);
    await admin.end();
    await servers.destination.dropDatabase(database);
  }
}

async function measure(
  prepared: PreparedPeer,
  admin: pg.Client,
  destination: pg.Client,
  target: DrainTarget,
): Promise<{ seconds: number; meter: CpuMeter }> {
  const meter = new CpuMeter();
  const watch = new pg.Client({
    connectionString: addressUrl(target.destination),
    application_name: BENCH_APPLICATION,
  });
  await watch.connect();
  try {
    prepared.sample(meter);
    const start = performance.now();
    await prepared.go();
    for (let round = 0; ; round += 1) {
      const seen = await destination.query(`select from ${SENTINEL_TABLE}`);
      if (seen.rowCount === 1) break;
      if (performance.now() - start > DRAIN_DEADLINE_MS) {
        throw new Error(`the backlog was not drained within ${DRAIN_DEADLINE_MS / 1000} s`);
      }
      if (round % 20 === 0) await sampleBackends(meter, admin, watch, target);
      await pollPause();
    }
    const seconds = (performance.now() - start) / 1000;
    await sampleBackends(meter, admin, watch, target);
    prepared.sample(meter);
    return { seconds, meter };
  } finally {
    await watch.end();
  }
}

/** The walsender of the run's slot, and every backend of the run's database that is not the bench's own. */
async function sampleBackends(
  meter: CpuMeter,
  admin: pg.Client,
  watch: pg.Client,
  target: DrainTarget,
): Promise<void> {
  const walsender = await admin.query<{ pid: number }>(
    `select active_pid as pid from pg_replication_slots where slot_name = $1 and active_pid is not null`,
    [target.slot],
  );
  meter.sampleFromZero(
    'walsender',
    walsender.rows.map((row) => row.pid),
  );
  const backends = await watch.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = current_database() and application_name is distinct from $1
       and pid <> pg_backend_pid()
     union select pid from pg_stat_subscription where pid is not null`,
    [BENCH_APPLICATION],
  );
  meter.sampleFromZero(
    'destination',
    backends.rows.map((row) => row.pid),
  );
}

async function dropBacklog(servers: BenchServers): Promise<void> {
  await servers.source.withClient(SOURCE_DATABASE, (client) => dropSlot(client, BASE_SLOT));
}
