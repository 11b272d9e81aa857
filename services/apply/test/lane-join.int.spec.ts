import { MirrorError, onFaultPoint } from '@bunnydb/failure';
import { type NatsServer, startNats } from '@bunnydb/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LaneFixture, type LaneSession } from './lane-fixture.js';

let nats: NatsServer;
let fixture: LaneFixture;
let session: LaneSession;

beforeAll(async () => {
  nats = await startNats();
});

afterAll(async () => {
  await nats.stop();
});

/** A mirror of `items` and `orders` that streams, under writes. */
beforeEach(async () => {
  fixture = await LaneFixture.open(nats.url);
  for (const table of ['items', 'orders']) {
    await fixture.add(table);
    await fixture.source.query(
      `insert into ${table} select i, 'old' from generate_series(1, 300) i`,
    );
  }
  session = fixture.start();
  await fixture.untilState(session, 'running');
  await fixture.source.query(`insert into items values (0, 'streamed')`);
  await fixture.untilCaughtUp();
  fixture.write(
    (turn) =>
      `insert into items values (${1000 + turn}, 'new'); update items set note = 'touched ${turn}' where id = ${turn % 300};
       delete from orders where id = ${turn}; update orders set note = 'touched ${turn}' where id = ${(turn * 7) % 300}`,
  );
});

afterEach(async () => {
  onFaultPoint(undefined);
  await fixture.close();
});

async function expectEqual(): Promise<void> {
  await fixture.endWriting();
  await fixture.untilState(session, 'running');
  await fixture.untilCaughtUp();
  expect(await fixture.difference()).toBe('');
  const left = await fixture.destination.query('select 1 from _bunny.parked_change');
  expect(left).toEqual([]);
}

describe('a table joins the main lane', () => {
  for (const point of ['lane.before_join_commit', 'lane.after_join_commit'] as const) {
    it(`once, without a change lost or doubled, when the session dies at ${point}`, async () => {
      onFaultPoint((reached) => {
        if (reached !== point) return;
        onFaultPoint(undefined);
        throw new MirrorError('destination_unreachable', 'the process died here');
      });
      await fixture.ask({ action: 'resync', strategy: 'truncate', together: false }, []);
      expect(await session.ended).toMatchObject({ kind: 'destination_unreachable' });
      session = fixture.start();
      await expectEqual();
    });

    it(`once, when another session takes the mirror over at ${point}`, async () => {
      const older = session;
      onFaultPoint((reached) => {
        if (reached !== point) return;
        onFaultPoint(undefined);
        session = fixture.start();
      });
      await fixture.ask({ action: 'resync', strategy: 'truncate', together: false }, []);
      await older.ended;
      await expectEqual();
    });
  }
});
