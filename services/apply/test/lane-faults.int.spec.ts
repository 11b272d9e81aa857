import { type FaultPoint, MirrorError, onFaultPoint } from '@bunnydb/failure';
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

/** A mirror of `items` and `orders` that streams. */
beforeEach(async () => {
  fixture = await LaneFixture.open(nats.url);
  for (const table of ['items', 'orders']) {
    await fixture.add(table);
    await fixture.source.query(
      `insert into ${table} select i, 'old' from generate_series(1, 500) i`,
    );
  }
  session = fixture.start();
  await fixture.untilState(session, 'running');
  await fixture.source.query(`insert into items values (0, 'streamed')`);
  await fixture.untilCaughtUp();
});

afterEach(async () => {
  onFaultPoint(undefined);
  await fixture.close();
});

/** The session ends at the fault point, as if its process had died there. */
function endAt(point: FaultPoint): void {
  onFaultPoint((reached) => {
    if (reached !== point) return;
    onFaultPoint(undefined);
    throw new MirrorError('destination_unreachable', 'the process died here');
  });
}

function write(): void {
  fixture.write(
    (turn) =>
      `insert into items values (${1000 + turn}, 'new'); update items set note = 'touched ${turn}' where id = ${turn % 500};
       delete from orders where id = ${turn}; update orders set note = 'touched ${turn}' where id = ${(turn * 7) % 500}`,
  );
}

async function expectEqual(): Promise<void> {
  await fixture.endWriting();
  await fixture.untilState(session, 'running');
  await fixture.untilCaughtUp();
  expect(await fixture.difference()).toBe('');
}

describe('a session that ends', () => {
  const cases: readonly [FaultPoint, 'truncate' | 'swap'][] = [
    ['lane.after_snapshot', 'truncate'],
    ['lane.between_replays', 'truncate'],
    ['lane.after_snapshot', 'swap'],
    ['lane.between_replays', 'swap'],
    ['lane.before_swap', 'swap'],
    ['lane.after_swap', 'swap'],
    ['lane.before_join_commit', 'truncate'],
    ['lane.after_join_commit', 'truncate'],
  ];
  for (const [point, strategy] of cases) {
    it(`at ${point} of a resync by ${strategy} is followed by one that brings the tables back, equal`, async () => {
      write();
      endAt(point);
      await fixture.ask({ action: 'resync', strategy, together: true }, []);
      expect(await session.ended).toMatchObject({ kind: 'destination_unreachable' });
      session = fixture.start();
      await expectEqual();
    });
  }

  it('after it has noted a swap is followed by one that swaps the same shadows, without another copy', async () => {
    endAt('lane.before_swap');
    await fixture.ask({ action: 'resync', strategy: 'swap', together: true }, []);
    await session.ended;
    await fixture.source.query(`insert into items values (-1, 'parked')`);
    session = fixture.start();
    await expectEqual();
    // A swap whose answer is late is asked for once more.
    expect([...new Set(fixture.asked)]).toEqual([
      'create items',
      'create orders',
      'swap items,orders',
    ]);
    expect(fixture.asked.slice(0, 3)).toEqual([...new Set(fixture.asked)]);
  });
});
