import { type Lsn, lsnFromBigInt } from '@bunnydb/pg-model';
import { describe, expect, it } from 'vitest';
import { batchLimits } from '../src/core/batch-limits.js';
import { BufferPool } from '../src/core/buffer-pool.js';
import { mirrorScope } from '../src/core/mirror-scope.js';
import { alterPublication, createPublication } from '../src/core/publication-plan.js';
import { SlotProgress } from '../src/core/slot-progress.js';
import { type StartFacts, decideStart, nextEpochMs } from '../src/core/start-position.js';
import { StreamRetention } from '../src/core/stream-retention.js';

const lsn = (value: number): Lsn => lsnFromBigInt(BigInt(value));

function facts(change: {
  readonly slot?: Partial<NonNullable<StartFacts['source']['slot']>> | null;
  readonly stream?: number;
  readonly current?: number;
  readonly destination?: number;
  readonly fromSlot?: boolean;
  readonly systemId?: string;
  readonly database?: string;
  readonly hasPublication?: boolean;
}): StartFacts {
  const slot = {
    plugin: 'pgoutput',
    database: 'shop',
    activePid: null,
    activeName: null,
    walStatus: 'reserved',
    confirmedLsn: lsn(100),
    ...change.slot,
  };
  return {
    identity: { system_id: '1', database: 'shop', start_lsn: '0/1' },
    source: {
      systemId: change.systemId ?? '1',
      database: change.database ?? 'shop',
      currentLsn: lsn(change.current ?? 1_000),
      slot: change.slot === null ? undefined : slot,
      hasPublication: change.hasPublication ?? true,
      walSenderTimeoutMs: 60_000,
    },
    stream: {
      lastSequence: 7,
      bytes: 0,
      lastCommit:
        change.stream === undefined
          ? undefined
          : { lastLsn: lsn(change.stream), epochMs: 5, sequence: 7 },
    },
    destinationLsn: change.destination === undefined ? undefined : lsn(change.destination),
    fromSlot: change.fromSlot ?? false,
  };
}

describe('where reading starts', () => {
  it.each([
    ['an empty stream: at the slot', {}, 100],
    ['a stream ahead of the slot: at its end', { stream: 180 }, 180],
    ['a stream that lost its tail: at the slot', { stream: 40 }, 100],
    ['a rewind: at the slot whatever the stream holds', { stream: 180, fromSlot: true }, 100],
    ['a source that was read to its very end', { stream: 1_000, destination: 1_000 }, 1_000],
  ])('%s', (_, change, start) => {
    expect(decideStart(facts(change))).toMatchObject({ tag: 'start', lsn: BigInt(start) });
  });

  it.each([
    ['foreign_server', { systemId: '2' }],
    ['foreign_server', { database: 'other' }],
    ['slot_missing', { slot: null }],
    ['slot_missing', { slot: { plugin: 'wal2json' } }],
    ['slot_missing', { slot: { database: 'other' } }],
    ['slot_invalidated', { slot: { walStatus: 'lost' } }],
    ['slot_invalidated', { slot: { confirmedLsn: null } }],
    ['publication_missing', { hasPublication: false }],
    ['position_gap', { stream: 1_001 }],
    ['position_gap', { destination: 1_001 }],
    ['position_gap', { current: 99 }],
  ])('refuses with %s', (kind, change) => {
    expect(decideStart(facts(change))).toMatchObject({ tag: 'refuse', failure: { kind } });
  });

  it('names a session later than the one before, also when the clock was set back', () => {
    const { stream } = facts({ stream: 1 });
    expect(nextEpochMs(1_000, stream)).toBe(1_000);
    expect(nextEpochMs(3, stream)).toBe(6);
  });
});

describe('the slot', () => {
  it('follows the destination and never passes what was received', () => {
    const slot = new SlotProgress(lsn(100), lsn(80));
    slot.seeDestination(lsn(90));
    expect(slot.confirmed).toBe(90n);
    slot.seeDestination(lsn(500));
    expect(slot.confirmed).toBe(100n);
    slot.seeReceived(lsn(300));
    expect(slot.confirmed).toBe(300n);
  });

  it('never moves back', () => {
    const slot = new SlotProgress(lsn(100), lsn(80));
    slot.seeDestination(lsn(95));
    slot.seeDestination(lsn(10));
    slot.seeReceived(lsn(1));
    expect(slot.send(0)).toEqual({ received: 100n, flushed: 95n });
  });

  it('is told of soon when it can move, and otherwise only to stay in touch', () => {
    const slot = new SlotProgress(lsn(100), lsn(80));
    expect(slot.isDue(0, 10_000)).toBe(true);
    slot.send(0);
    expect(slot.isDue(5_000, 10_000)).toBe(false);
    slot.seeDestination(lsn(90));
    expect(slot.isDue(100, 10_000)).toBe(false);
    expect(slot.isDue(1_000, 10_000)).toBe(true);
    slot.send(1_000);
    expect(slot.isDue(11_000, 10_000)).toBe(true);
  });
});

describe('retention', () => {
  const MIB = 1024 * 1024;

  it('keeps the tail behind the flushed position and all before it goes', () => {
    const retention = new StreamRetention(16 * MIB, 0, 0);
    for (let batch = 1; batch <= 100; batch++) retention.stored(batch * 2, MIB);
    expect(retention.firstToKeep(0)).toBeUndefined();
    expect(retention.firstToKeep(20)).toBeUndefined();
    const first = retention.firstToKeep(200) ?? 0;
    expect(first).toBeGreaterThanOrEqual(2 * 80);
    expect(first).toBeLessThanOrEqual(2 * 84);
    retention.purged(first);
    expect(retention.firstToKeep(200)).toBeUndefined();
  });

  it('gives up the tail but not the message of the flushed position when asked for room', () => {
    const retention = new StreamRetention(16 * MIB, 0, 0);
    for (let batch = 1; batch <= 10; batch++) retention.stored(batch * 2, MIB);
    expect(retention.firstToKeep(12, 0)).toBe(12);
    retention.purged(12);
    expect(retention.firstToKeep(12, 0)).toBeUndefined();
  });
});

describe('the publication', () => {
  const tables = [
    {
      source: { schema: 'public', table: 'Users' },
      destination: { schema: 'public', table: 'users' },
      exclude_columns: ['secret'],
      row_filter: 'id > 1',
    },
    {
      source: { schema: 'a.b', table: 'c"d' },
      destination: { schema: 'x', table: 'y' },
      exclude_columns: [],
    },
  ];
  const columns = new Map([['public.Users', ['id', 'secret', 'v']]]);
  const list = `"public"."Users" ("id", "v") where (id > 1), "a.b"."c""d"`;

  it('holds the tables with their column lists and filters', () => {
    expect(createPublication('p', tables, columns)).toBe(
      `create publication "p" for table ${list} with (publish_via_partition_root = true)`,
    );
  });

  it('is brought in line when it is there already', () => {
    expect(alterPublication('p', tables, columns)).toEqual([
      'alter publication "p" set (publish_via_partition_root = true)',
      `alter publication "p" set table ${list}`,
    ]);
  });
});

describe('the scope', () => {
  const spec = (ownPublication: boolean): Parameters<typeof mirrorScope>[0] =>
    ({
      own_publication: ownPublication,
      tables: [
        {
          source: { schema: 'public', table: 'a' },
          destination: { schema: 'public', table: 'a' },
          exclude_columns: ['secret'],
        },
      ],
    }) as unknown as Parameters<typeof mirrorScope>[0];

  it('takes all of our own publication, also a table that was renamed', () => {
    expect(mirrorScope(spec(false)).wants({ schema: 'public', table: 'renamed' }, 1)).toBe(true);
  });

  it("takes the mirror's tables of another's publication, and keeps hold of one that is renamed", () => {
    const scope = mirrorScope(spec(true));
    expect(scope.wants({ schema: 'public', table: 'b' }, 2)).toBe(false);
    expect(scope.wants({ schema: 'public', table: 'a' }, 1)).toBe(true);
    expect(scope.wants({ schema: 'public', table: 'renamed' }, 1)).toBe(true);
    expect(scope.excludes({ schema: 'public', table: 'a' }, 'secret')).toBe(true);
  });
});

describe('sizes', () => {
  it('a message leaves room for its headers in what the server takes', () => {
    expect(batchLimits(1024 * 1024).messageBytesMax).toBe(512 * 1024);
    expect(batchLimits(64 * 1024).messageBytesMax).toBe(32 * 1024);
    expect(batchLimits(256 * 1024).messageBytesMax).toBe(192 * 1024);
  });

  it('the pool hands a full buffer out again and never a larger one than full', () => {
    const pool = new BufferPool(64 * 1024);
    const full = pool.take(64 * 1024);
    pool.give(full);
    expect(pool.take(60 * 1024)).toBe(full);
    expect(pool.take(10).length).toBe(2 * 1024);
  });
});
