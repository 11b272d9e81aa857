import { connect } from '@nats-io/transport-node';
import { StorageType, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type PostgresServer, SmallDisk, startPostgres } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { createLedgerPair, runUnderLoad } from '../src/ledger-run.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { type Stack, startStack } from '../src/stack.js';

const MIB = 1024 ** 2;
/** More than what control's streams and the change stream set aside. */
const LIMIT_BYTES = 640 * MIB;
const PIECE_BYTES = 4 * MIB;
const STRANGERS = 'STRANGERS';

/** What nats-server may use at most is reached by the stream of somebody else, who set no bound. */
describe('the limit of nats-server', () => {
  let disk: SmallDisk;
  let postgres: PostgresServer;
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;

  beforeAll(async () => {
    disk = await SmallDisk.make(2 * LIMIT_BYTES);
    postgres = await startPostgres({ version: 17 });
    stack = await startStack('messaging-limits', {
      postgresUrl: postgres.url,
      natsDisk: disk,
      natsConfig: `jetstream { store_dir: "${disk.folder}/store", max_file_store: ${LIMIT_BYTES} }`,
    });
    pair = await createLedgerPair(stack);
    mirror = await pair.createMirror({ all_tables: true, stream_max_bytes: 64 * MIB });
    await mirror.waitForStatus('running');
  });
  afterAll(async () => {
    await stack?.stop();
    await postgres?.stop('immediate');
    await disk?.remove();
  });

  test('is told, loses nothing, and the mirror goes on by itself when others make room', async () => {
    const nc = await connect({ servers: stack.natsUrl });
    try {
      const jsm = await jetstreamManager(nc);
      await runUnderLoad(pair, mirror, async () => {
        await jsm.streams.add({
          name: STRANGERS,
          subjects: ['strangers'],
          storage: StorageType.File,
        });
        const js = jetstream(nc);
        const piece = new Uint8Array(PIECE_BYTES);
        for (let sent = 0; sent <= LIMIT_BYTES; sent += PIECE_BYTES) {
          await js.publish('strangers', piece).catch(() => undefined);
        }
        await pair.until(
          async () => (await mirror.view()).error_message !== null,
          'the mirror to tell that it stands still',
        );
        const { error_message, error_hint } = await mirror.view();
        process.stdout.write(`soak: ${error_message}. ${error_hint}\n`);
        expect(error_hint).toContain('max_file_store');
        await jsm.streams.delete(STRANGERS);
        await mirror.waitForCatchUp();
        expect(await mirror.view()).toMatchObject({ status: 'running', error_message: null });
      });
    } finally {
      await nc.close();
    }
  });
});
