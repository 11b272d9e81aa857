import type { TestDatabase } from './test-database.js';

export interface LeftoverOptions {
  readonly databases?: readonly TestDatabase[];
  /** The HTTP monitoring endpoint of nats-server; by default that of the test run. */
  readonly monitorUrl?: string;
  /** Looks only at change streams of these mirrors' ids; by default at all. */
  readonly mirrorIds?: readonly string[];
}

/**
 * What a mirror has left behind, in words: replication slots, publications and bookkeeping of the databases, and change streams.
 * A test expects an empty list after it has deleted its mirrors.
 */
export async function leftovers(options: LeftoverOptions): Promise<string[]> {
  const found: string[] = [];
  for (const database of options.databases ?? []) {
    const rows = await database.query<{ thing: string }>(
      `select 'slot ' || slot_name as thing from pg_replication_slots where database = current_database()
       union all select 'publication ' || pubname from pg_publication
       union all select 'schema ' || nspname from pg_namespace where nspname = '_bunny'
       order by 1`,
    );
    found.push(...rows.map(({ thing }) => `${database.name}: ${thing}`));
  }
  const monitorUrl = options.monitorUrl ?? process.env['BUNNY_TEST_NATS_MONITOR_URL'];
  if (monitorUrl !== undefined) {
    const wanted = options.mirrorIds?.map((id) => `BUNNY_CDC_${id}`);
    const streams = (await streamNames(monitorUrl)).filter(
      (name) => name.startsWith('BUNNY_CDC_') && (wanted === undefined || wanted.includes(name)),
    );
    found.push(...streams.map((name) => `stream ${name}`));
  }
  return found;
}

/** The names of all JetStream streams, from the monitoring endpoint. */
export async function streamNames(monitorUrl: string): Promise<string[]> {
  const answer = await fetch(`${monitorUrl}/jsz?accounts=1&streams=1`);
  const names: string[] = [];
  collectStreamNames(await answer.json(), names);
  return names.sort();
}

/** Streams are listed as `stream_detail` under each account. */
function collectStreamNames(value: unknown, names: string[]): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [field, child] of Object.entries(value)) {
    if (field === 'stream_detail' && Array.isArray(child)) {
      for (const stream of child as readonly { readonly name?: unknown }[]) {
        if (typeof stream.name === 'string') names.push(stream.name);
      }
    } else collectStreamNames(child, names);
  }
}
