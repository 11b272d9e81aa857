import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { DEFAULT_BACKOFF, backoffDelayMs } from '../src/backoff.js';
import { describeFailure } from '../src/describe-failure.js';
import { FailureKind } from '../src/failure-kind.js';
import { FAILURE_POLICIES, policyOf } from '../src/failure-policy.js';
import { FAULT_POINTS, faultPoint, onFaultPoint } from '../src/fault-points.js';
import { MirrorError, reportOf } from '../src/mirror-error.js';

const attempt = fc.integer({ min: 1, max: 10_000 });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('a failure in one sentence names the place and the transaction, once, and leaves codes to the detail', () => {
  const message = 'the destination: a constraint was violated';
  const says = (detail: Parameters<typeof describeFailure>[0]['detail']): string =>
    describeFailure({ message, detail });
  expect(says({})).toBe(message);
  expect(says({ role: 'destination', sqlstate: '23505' })).toBe(message);
  expect(says({ schema: 'public', table: 'orders', constraint: 'orders_pkey' })).toBe(
    `${message} (table public.orders, constraint orders_pkey)`,
  );
  expect(says({ schema: 'public', table: 'public.orders' })).toBe(
    `${message} (table public.orders)`,
  );
  expect(says({ table: 't', columns: 'a, b', commit_lsn: '0/1A', key: ['id'] })).toBe(
    `${message} (table t, columns a, b, commit lsn 0/1A)`,
  );
  expect(says({ host: 'db', port: 5432, database: 'shop', user: 'bunny' })).toBe(
    `${message} (server db:5432, database shop, user bunny)`,
  );
  expect(says({ object: 'table position', privilege: 'ownership' })).toBe(
    `${message} (object table position, privilege ownership)`,
  );
  expect(says({ table: 't', missing_columns: ['a', 'b'] })).toBe(
    `${message} (table t, missing columns a, b)`,
  );
  expect(says({ table: 't', fix: 'alter table t add primary key (id)' })).toBe(
    `${message} (table t); fix: alter table t add primary key (id)`,
  );
  const reasons = ['view v depends on it', 'function f() depends on it'];
  expect(says({ table: 't', reasons })).toBe(
    `${message} (table t): view v depends on it; function f() depends on it`,
  );
  expect(says({ reasons: Array.from({ length: 12 }, (_, n) => `r${n}`) })).toMatch(/r9; 2 more$/);
});

describe('the policy table', () => {
  test('judges every kind, once, and gives each a hint that is a sentence', () => {
    expect(Object.keys(FAILURE_POLICIES).sort()).toEqual(Object.values(FailureKind).sort());
    for (const kind of Object.values(FailureKind)) {
      expect(policyOf(kind).hint).toMatch(/^[A-Z].*\.$/s);
    }
  });

  test.each([
    'slot_missing',
    'slot_invalidated',
    'publication_missing',
    'foreign_server',
    'position_gap',
  ] as const)('%s stops the mirror, since going on could lose changes', (kind) => {
    expect(policyOf(kind).action).toBe('stop');
  });
});

describe('back-off', () => {
  test('never waits less than half of the first delay nor more than the longest', () => {
    fc.assert(
      fc.property(attempt, random, (n, r) => {
        const delay = backoffDelayMs(n, r);
        expect(delay).toBeGreaterThanOrEqual(DEFAULT_BACKOFF.firstDelayMs / 2);
        expect(delay).toBeLessThanOrEqual(DEFAULT_BACKOFF.maxDelayMs);
        expect(Number.isInteger(delay)).toBe(true);
      }),
    );
  });

  test('never shortens from one failed try to the next', () => {
    fc.assert(
      fc.property(attempt, random, (n, r) => {
        expect(backoffDelayMs(n + 1, r)).toBeGreaterThanOrEqual(backoffDelayMs(n, r));
      }),
    );
  });

  test('doubles from one second to ten minutes', () => {
    expect([1, 2, 3, 10, 11, 99].map((n) => backoffDelayMs(n, 1))).toEqual([
      1_000, 2_000, 4_000, 512_000, 600_000, 600_000,
    ]);
  });
});

describe('a mirror error', () => {
  test('keeps kind, message and cause when a caller adds context', () => {
    const cause = new Error('password=hunter2');
    const error = new MirrorError('lock_timeout', 'a lock was not granted in time', {
      detail: { table: 'public.a' },
      cause,
    });
    const more = error.withDetail({ mirror: 'shop' });
    expect(more.kind).toBe('lock_timeout');
    expect(more.message).toBe(error.message);
    expect(more.cause).toBe(cause);
    expect(more.detail).toEqual({ table: 'public.a', mirror: 'shop' });
  });

  test('is reported with the hint and action of its kind, and never with the text of its cause', () => {
    const error = new MirrorError('disk_full', 'the server has no disk space left', {
      cause: new Error('password=hunter2'),
    });
    const report = reportOf(error);
    expect(report).toEqual({
      kind: 'disk_full',
      message: 'the server has no disk space left',
      detail: {},
      ...FAILURE_POLICIES.disk_full,
    });
    expect(JSON.stringify(report)).not.toContain('hunter2');
  });

  test.each([new TypeError('row value 42'), 'row value 42', undefined, { secret: 42 }])(
    'anything else that is thrown becomes unexpected, its text left out (case %#)',
    (thrown) => {
      const report = reportOf(thrown);
      expect(report.kind).toBe('unexpected');
      expect(JSON.stringify(report)).not.toContain('42');
    },
  );
});

describe('fault points', () => {
  afterEach(() => onFaultPoint(undefined));

  test('do nothing while nobody listens', () => {
    for (const point of FAULT_POINTS) expect(() => faultPoint(point)).not.toThrow();
  });

  test('tell the listener where the process is, until it is removed', () => {
    const seen: string[] = [];
    onFaultPoint((point) => seen.push(point));
    faultPoint('apply.after_commit');
    onFaultPoint(undefined);
    faultPoint('apply.after_commit');
    expect(seen).toEqual(['apply.after_commit']);
  });

  test('are named service.place, each once', () => {
    expect(new Set(FAULT_POINTS).size).toBe(FAULT_POINTS.length);
    for (const point of FAULT_POINTS) {
      expect(point).toMatch(/^(?:capture|apply|copy|lane|schema|control)\.[a-z_]+$/);
    }
  });
});
