import { SmallDisk } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { createLedgerPair, runUnderLoad } from '../src/ledger-run.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { type Stack, startStack } from '../src/stack.js';

const DISK_BYTES = 48 * 1024 ** 2;

/** What PostgreSQL answers when its disk is full, to every write of an event. */
const FULL_CATALOG = `
  create function no_space() returns trigger language plpgsql as $$
    begin raise sqlstate '53100' using message = 'could not extend file: No space left on device'; end $$;
  create trigger no_space before insert on events execute function no_space();`;

describe('what is between the servers', () => {
  let disk: SmallDisk;
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;

  beforeAll(async () => {
    disk = await SmallDisk.make(DISK_BYTES);
    stack = await startStack('messaging-faults', {
      natsDisk: disk,
      // By default nats-server limits itself to what its disk has at the start, so that it never comes to this on its own.
      natsConfig: `jetstream { store_dir: "${disk.folder}/store", max_file_store: 100GB }`,
    });
    pair = await createLedgerPair(stack);
    mirror = await pair.createMirror({ all_tables: true });
    await mirror.waitForStatus('running');
  });
  afterAll(async () => {
    await stack?.stop();
    await disk?.remove();
  });

  /** Asks for something, which goes through the catalog and NATS. */
  async function pauseAndResume(): Promise<void> {
    for (const [wish, status] of [
      ['pause', 'paused'],
      ['resume', 'running'],
    ] as const) {
      const answer = await stack.api.call('POST', `/v1/mirrors/${mirror.name}/${wish}`);
      expect(answer.status).toBe(200);
      await mirror.waitForStatus(status);
    }
  }

  test('a change stream that somebody deletes is made anew, and nothing is lost or applied twice', async () => {
    await runUnderLoad(pair, mirror, async () => {
      await stack.deleteChangeStreams();
      await mirror.waitForCatchUp();
    });
  });

  test('nats-server that comes back without anything it had gets everything anew, and nothing is lost or applied twice', async () => {
    await runUnderLoad(pair, mirror, async () => {
      await stack.restartNats({ isEmpty: true });
      await mirror.waitForCatchUp();
      await pauseAndResume();
    });
  });

  test('a full disk of the catalog refuses what people ask for with the reason, changes go on, and so does the catalog when there is room', async () => {
    const { catalog, api } = stack;
    await runUnderLoad(pair, mirror, async () => {
      await catalog.query(FULL_CATALOG);
      const refused = await api.call('POST', `/v1/mirrors/${mirror.name}/pause`);
      expect(refused).toMatchObject({
        status: 503,
        body: { detail: expect.stringContaining('the disk of the catalog is full') },
      });
      await mirror.waitForCatchUp();
      await catalog.query('drop trigger no_space on events');
      await pauseAndResume();
    });
  });

  test('a full disk of nats-server is told with the way out, loses nothing, and the mirror goes on when there is room', async () => {
    await runUnderLoad(pair, mirror, async () => {
      disk.fill();
      await pair.until(async () => {
        const { error_message } = await mirror.view();
        return error_message?.startsWith('capture and apply cannot take the mirror up') === true;
      }, 'the mirror to tell that it stands still');
      const { error_hint, lag_seconds } = await mirror.view();
      expect(error_hint).toContain('no space left on device');
      expect(lag_seconds).toBeGreaterThan(10);
      disk.free();
      // nats-server keeps to its first failed write, whatever room there is.
      await stack.restartNats();
      await mirror.waitForCatchUp();
      expect(await mirror.view()).toMatchObject({ status: 'running', error_message: null });
    });
  });
});
