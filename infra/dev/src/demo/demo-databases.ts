import { join } from 'node:path';
import { type PostgresServer, startPostgres } from '@bunnydb/testkit';
import { countWords, durationWords } from '../number-words.js';
import type { Launch } from '../launch.js';
import { ensureDatabase } from '../stack.js';
import { ensureShop } from './shop-database.js';

const DATABASE = 'shop';

export interface DemoDatabases {
  readonly sourceUrl: string;
  readonly destinationUrl: string;
}

/** Starts the two clusters of the demo and fills the source's shop at the first start. */
export async function startDemoDatabases(launch: Launch): Promise<DemoDatabases> {
  const { ports } = launch.options;
  const [source, destination] = await Promise.all([
    startSide(launch, 'source', ports.source),
    startSide(launch, 'destination', ports.destination),
  ]);
  const sourceUrl = source.urlOf(DATABASE);
  const started = performance.now();
  const rows = await ensureShop(sourceUrl);
  if (rows > 0) {
    const seconds = (performance.now() - started) / 1000;
    launch.screen.say(`made a shop of ${countWords(rows)} rows in ${durationWords(seconds)}`);
  }
  return { sourceUrl, destinationUrl: destination.urlOf(DATABASE) };
}

async function startSide(
  launch: Launch,
  side: 'source' | 'destination',
  port: number,
): Promise<PostgresServer> {
  const server = await startPostgres({
    version: 17,
    dataDir: join(launch.folder.clusters, side),
    port,
    password: launch.secrets.demoPassword,
    settings: { max_wal_size: '2GB', checkpoint_timeout: '10min' },
  });
  launch.stopList.add(`the demo's ${side}`, () => server.stop());
  await ensureDatabase(server, DATABASE);
  return server;
}
