/**
 * Seals every secret with the present key (BUNNY_SECRET_KEY); what the previous one (BUNNY_SECRET_KEY_PREVIOUS) has sealed is gone then.
 *
 *     node services/control/dist/rotate-key.js            does it
 *     node services/control/dist/rotate-key.js --check    tells what there is to do, and changes nothing
 *
 * It runs beside a running control, with the same environment. Exit code 0: nothing is under another key any more; 1: something is; 2: the environment
 * is not usable. The steps around it are in docs/operations/security.md.
 */
import { openCatalog } from '@bunnydb/event-store';
import { connectMessaging } from '@bunnydb/messaging';
import { keyIdOf } from '@bunnydb/secrets';
import { configOrExit, createLog, natsAddressOf } from '@bunnydb/service-shell';
import { inboxPrefix } from '@bunnydb/contracts';
import { readOwnConfig } from './config.js';
import type { CatalogTables } from './shell/catalog/catalog-tables.js';
import { readMirrorsOutstanding } from './shell/catalog/read-mirrors.js';
import { resealCatalog } from './shell/catalog/reseal-catalog.js';
import { SpecPublisher } from './shell/process/spec-publisher.js';

const NATS_DEADLINE_MS = 15_000;

const config = configOrExit(readOwnConfig);
const isTrial = process.argv.includes('--check');
const { keyring, logLevel: level, instance } = config;
const log = createLog({ level, service: 'rotate-key', instance });

const catalog = openCatalog<CatalogTables>(config.catalog, (error) =>
  log.warn({ error }, 'an idle session of the catalog broke'),
);
const messaging = await connectMessaging({
  ...natsAddressOf(config),
  name: `rotate-key-${instance}`,
  inboxPrefix: inboxPrefix('control'),
  log,
  connectDeadlineMs: NATS_DEADLINE_MS,
});

let isDone = false;
try {
  const resealer = {
    id: keyring.id,
    reseal: (sealed: string) => keyring.reseal(sealed),
    keyIdOf,
  };
  const { resealed, left } = await resealCatalog(catalog, resealer, isTrial);
  const isLeft = Object.keys(left).length > 0;
  const key = { key_id: keyring.id, secrets: resealed, left };
  if (isTrial) {
    log.info(
      key,
      resealed + (isLeft ? 1 : 0) === 0 ? 'nothing is to be done' : 'secrets are under another key',
    );
    isDone = resealed === 0 && !isLeft;
  } else {
    // The workers hold what they have; this is for those that come.
    const specs = await new SpecPublisher(catalog, messaging).reconcile();
    log.info({ ...key, specs: specs.length }, 'secrets are sealed with the present key');
    isDone = !isLeft;
  }
  if (isLeft) log.warn({ left }, 'no key that is set opens these secrets: enter them again');
  const waiting = await readMirrorsOutstanding(catalog, new Date());
  if (waiting.length > 0) {
    const mirrors = waiting.map((row) => row.name);
    log.warn(
      { mirrors },
      'commands of these mirrors may be under another key: keep it until they are done',
    );
  }
} finally {
  await messaging.close();
  await catalog.destroy();
}
process.exitCode = isDone ? 0 : 1;
