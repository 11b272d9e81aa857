import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type pg from 'pg';
import type { DatabasePair } from './database-pair.js';

/**
 * Everything that mirrors have left behind, in words: at the source, at the destination, and in NATS. Streams and buckets that belong to the
 * services and not to a mirror are no remains, but what stands in them about mirrors is.
 */
export async function remainsOf(pair: DatabasePair, natsUrl: string): Promise<string[]> {
  const [source, destination, nats] = await Promise.all([
    remainsIn(pair.source),
    remainsIn(pair.destination),
    remainsInNats(natsUrl),
  ]);
  return [
    ...source.map((thing) => `source: ${thing}`),
    ...destination.map((thing) => `destination: ${thing}`),
    ...nats.map((thing) => `nats: ${thing}`),
  ];
}

const DATABASE_SQL = `
select 'slot ' || slot_name as thing from pg_replication_slots where database = current_database()
union all select 'publication ' || pubname from pg_publication
union all select 'event trigger ' || evtname from pg_event_trigger
union all select 'schema ' || nspname from pg_namespace where nspname ~ '^_?bunny'
union all select 'function ' || oid::regprocedure from pg_proc where proname ~ 'bunny'
union all select 'table ' || oid::regclass from pg_class where relname ~ 'bunny'
union all select 'session ' || application_name from pg_stat_activity
  where datname = current_database() and application_name ~ '^bunnydb (apply|copy|capture) '
order by 1`;

async function remainsIn(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ thing: string }>(DATABASE_SQL);
  return rows.map(({ thing }) => thing);
}

async function remainsInNats(natsUrl: string): Promise<string[]> {
  const nc = await connect({ servers: natsUrl });
  try {
    const found: string[] = [];
    const jsm = await jetstreamManager(nc);
    const streams: string[] = [];
    for await (const { config } of jsm.streams.list()) {
      if (config.name.startsWith('BUNNY_CDC_')) found.push(`stream ${config.name}`);
      else if (!config.name.startsWith('KV_')) streams.push(config.name);
    }
    for (const stream of streams) {
      const { state, config } = await jsm.streams.info(stream);
      // A work queue holds what nobody has done yet.
      if (String(config.retention) === 'workqueue' && state.messages > 0)
        found.push(`${state.messages} messages in ${stream}`);
    }
    for (const bucket of ['bunny_specs', 'bunny_leases']) {
      found.push(...(await keysOf(jsm, bucket)).map((key) => `key ${key} in ${bucket}`));
    }
    return found.sort();
  } finally {
    await nc.close();
  }
}

/** The keys of a bucket; one that was deleted leaves only a mark. */
async function keysOf(jsm: JetStreamManager, bucket: string): Promise<string[]> {
  const stream = `KV_${bucket}`;
  const { state } = await jsm.streams.info(stream, { subjects_filter: '>' });
  const keys: string[] = [];
  for (const subject of Object.keys(state.subjects ?? {})) {
    const last = await jsm.streams.getMessage(stream, { last_by_subj: subject });
    if (last && !last.header.has('KV-Operation')) keys.push(subject);
  }
  return keys;
}
