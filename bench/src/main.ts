import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { startBenchServers, type BenchServers } from './bench-servers.js';
import { bunnyPeer } from './bunny-peer.js';
import { type CopyOptions, runCopyBench } from './copy-bench.js';
import type { Peer } from './drain-target.js';
import { type DrainRun, drainWorkload } from './drain.js';
import { openCollector } from './discarding-collector.js';
import { runLagBench } from './lag-bench.js';
import { nativePeer } from './native-peer.js';
import { drainTable } from './report.js';
import { WORKLOADS } from './workload.js';

const USAGE = `npm run bench -- <what …> [--rows N] [--runs N] [--scale N] [--tps N] [--seconds N] [--postgres 15|16|17|18] [--only native,bunny,traced] [--traces]

what: ${WORKLOADS.map((workload) => workload.name).join(', ')}, drain (all of them), copy-wide, copy-narrow, copy (both), lag, all
--traces: once more with every service sending its traces (traced)`;

const options = {
  rows: { type: 'string', default: '500000' },
  runs: { type: 'string', default: '3' },
  scale: { type: 'string', default: '10' },
  tps: { type: 'string', default: '1000' },
  seconds: { type: 'string', default: '20' },
  postgres: { type: 'string', default: '17' },
  only: { type: 'string' },
  traces: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const note = (line: string): void => console.log(line);

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const wanted = wantedBenches(positionals);
  if (values.help || wanted === null) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  const version = [15, 16, 17, 18].find((known) => known === Number(values.postgres));
  if (version !== 15 && version !== 16 && version !== 17 && version !== 18) {
    throw new Error('--postgres takes 15, 16, 17 or 18');
  }
  note(
    `${new Date().toISOString().slice(0, 10)}, PostgreSQL ${version}, Node.js ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, ${Math.round(totalmem() / 1024 ** 3)} GiB`,
  );
  const servers = await startBenchServers(version);
  const { nats } = servers;
  const collector = await openCollector();
  try {
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    const traced = values.traces ? [bunnyPeer({ nats, name: 'traced', environment })] : [];
    const peers = [nativePeer, bunnyPeer({ nats }), ...traced].filter(
      (peer) => values.only === undefined || values.only.split(',').includes(peer.name),
    );
    await runDrains(wanted, servers, peers, values);
    const copyOptions: CopyOptions = { runs: Number(values.runs), rows: Number(values.rows) };
    for (const shape of ['wide', 'narrow'] as const) {
      if (wanted.has(`copy-${shape}`))
        note(await runCopyBench(shape, servers, peers, copyOptions, note));
    }
    if (wanted.has('lag')) {
      const lag = { tps: Number(values.tps), seconds: Number(values.seconds) };
      note(await runLagBench(servers, peers, lag, note));
    }
    if (values.traces) note(`${collector.bytes()} bytes of traces`);
  } finally {
    await collector.close();
    await servers.stop();
  }
  return 0;
}

async function runDrains(
  wanted: ReadonlySet<string>,
  servers: BenchServers,
  peers: readonly Peer[],
  values: { readonly rows: string; readonly runs: string; readonly scale: string },
): Promise<void> {
  const drainOptions = {
    rows: Number(values.rows),
    runs: Number(values.runs),
    scale: Number(values.scale),
  };
  const results = new Map<string, readonly DrainRun[]>();
  for (const workload of WORKLOADS) {
    if (!wanted.has(workload.name)) continue;
    results.set(workload.name, await drainWorkload(workload, peers, servers, drainOptions, note));
  }
  if (results.size > 0) note(`\n${drainTable(results)}\n`);
}

/** The benches that the words ask for; null when a word is unknown or there is none. */
function wantedBenches(words: readonly string[]): ReadonlySet<string> | null {
  const drains = WORKLOADS.map((workload) => workload.name);
  const copies = ['copy-wide', 'copy-narrow'];
  const groups: Readonly<Record<string, readonly string[]>> = {
    drain: drains,
    copy: copies,
    all: [...drains, ...copies, 'lag'],
  };
  const known = new Set([...drains, ...copies, 'lag']);
  const wanted = words.flatMap((word) => groups[word] ?? [word]);
  return wanted.length > 0 && wanted.every((word) => known.has(word)) ? new Set(wanted) : null;
}

main()
  .then((code) => (process.exitCode = code))
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
