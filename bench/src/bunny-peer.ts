import { randomBytes } from 'node:crypto';
import {
  DEFAULT_MIRROR_OPTIONS,
  type MirrorOptions,
  type MirrorSpec,
  type PeerConnection,
} from '@bunnydb/contracts';
import {
  type Messaging,
  connectMessaging,
  deleteSpec,
  ensureControlStreams,
  putSpec,
} from '@bunnydb/messaging';
import {
  type NatsServer,
  type ServiceProcess,
  type ServiceProgram,
  startService,
  until,
  peakRssBytes,
} from '@bunnydb/testkit';
import pg from 'pg';
import { BENCH_APPLICATION } from './bench-servers.js';
import { type DatabaseAddress, type DrainTarget, type Peer, addressUrl } from './drain-target.js';

const SERVICES = ['capture', 'apply'] as const satisfies readonly ServiceProgram[];
const READY_TIMEOUT_MS = 30_000;

export interface BunnyPeerOptions {
  readonly nats: NatsServer;
  readonly options?: Partial<MirrorOptions>;
  /** What it is called in the report. */
  readonly name?: string;
  /** More environment of both processes. */
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * BunnyDB's own data path: a capture and an apply process, told what to do by a spec in the bucket, as control would.
 * Each run has new processes and a mirror, and so a stream, of its own.
 */
export function bunnyPeer({ nats, options, name, environment }: BunnyPeerOptions): Peer {
  return {
    name: name ?? 'bunny',
    async prepare(target: DrainTarget) {
      const messaging = await connectMessaging({ url: nats.url, name: 'bench' });
      await ensureControlStreams(messaging);
      const processes = await startServices(nats, messaging, environment ?? {});
      const destination = new pg.Client({
        connectionString: addressUrl(target.destination),
        application_name: BENCH_APPLICATION,
      });
      await destination.connect();
      const spec = await specOf(target, { ...DEFAULT_MIRROR_OPTIONS, ...options });
      return {
        go: async () => {
          await putSpec(messaging, spec);
        },
        isCopied: () => isCopied(destination, target.tables.length),
        sample(meter) {
          for (const process of processes) meter.sample(process.name, [process.pid]);
          if (nats.processId !== undefined) meter.sample('nats', [nats.processId]);
        },
        peakRss: () =>
          new Map(processes.map((process) => [process.name, peakRssBytes(process.pid)])),
        log: () => processes.map((process) => process.tail()).join('\n'),
        async stop() {
          await destination.end();
          await deleteSpec(messaging, spec.id);
          await Promise.all(processes.map((process) => process.stop()));
          await deleteChangeStream(messaging, spec.id);
          await messaging.close();
        },
      };
    },
  };
}

async function isCopied(destination: pg.Client, tables: number): Promise<boolean> {
  const known = await destination.query<{ known: boolean }>(
    `select to_regclass('_bunny.table_state') is not null as known`,
  );
  if (known.rows[0]?.known !== true) return false;
  const { rows } = await destination.query<{ running: number }>(
    `select count(*)::integer as running from _bunny.table_state where state = 'running'`,
  );
  return rows[0]?.running === tables;
}

/** Both processes, up and listening: a run must not measure how fast Node starts. */
async function startServices(
  nats: NatsServer,
  messaging: Messaging,
  environment: Readonly<Record<string, string>>,
): Promise<readonly ServiceProcess[]> {
  const seen = new Set<string>();
  const stop = messaging.subscribeJson<{ instance: string }>(
    'bunny.heartbeat.>',
    ({ instance }) => {
      seen.add(instance);
    },
  );
  const suffix = randomBytes(4).toString('hex');
  const secretKey = randomBytes(32).toString('hex');
  const processes = SERVICES.map((service) =>
    startService(service, {
      NATS_URL: nats.url,
      BUNNY_SECRET_KEY: secretKey,
      BUNNY_INSTANCE: `${service}-${suffix}`,
      BUNNY_LOG_LEVEL: 'warn',
      ...environment,
    }),
  );
  try {
    await until(() => SERVICES.every((service) => seen.has(`${service}-${suffix}`)), {
      timeoutMs: READY_TIMEOUT_MS,
      what: () => `capture and apply to be up\n${processes.map((one) => one.tail()).join('\n')}`,
    });
  } catch (error) {
    await Promise.all(processes.map((process) => process.kill()));
    throw error;
  } finally {
    stop();
  }
  return processes;
}

async function specOf(target: DrainTarget, options: MirrorOptions): Promise<MirrorSpec> {
  const client = new pg.Client({ connectionString: addressUrl(target.source) });
  await client.connect();
  try {
    const { rows } = await client.query<{ system: string; lsn: string }>(
      `select (select system_identifier::text from pg_control_system()) as system,
         (select confirmed_flush_lsn::text from pg_replication_slots where slot_name = $1) as lsn`,
      [target.slot],
    );
    const identity = rows[0];
    if (!identity) throw new Error(`slot ${target.slot} is missing`);
    return {
      v: 1,
      id: randomBytes(6).toString('hex'),
      name: `bench-${target.run}`,
      generation: 1,
      desired: 'run',
      source: peerOf('bench-source', target.source),
      destination: peerOf('bench-destination', target.destination),
      slot_name: target.slot,
      publication_name: target.publication,
      own_publication: true,
      tables: target.tables.map((table) => ({
        source: { schema: 'public', table },
        destination: { schema: 'public', table },
        exclude_columns: [],
      })),
      options: { ...options, do_initial_snapshot: target.copy },
      source_identity: {
        system_id: identity.system,
        database: target.source.database,
        start_lsn: identity.lsn,
      },
    };
  } finally {
    await client.end();
  }
}

function peerOf(name: string, address: DatabaseAddress): PeerConnection {
  const { host, port, user, database } = address;
  return { name, host, port, user, database, ssl_mode: 'disable' };
}

async function deleteChangeStream(messaging: Messaging, mirrorId: string): Promise<void> {
  for await (const stream of messaging.jsm.streams.list()) {
    if (stream.config.name === `BUNNY_CDC_${mirrorId}`) {
      await messaging.jsm.streams.delete(stream.config.name);
    }
  }
}
