import { compareRepeatedly, samePair } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApplicationLoad } from '../src/schemas/application-load.js';
import { BANK_BRANCHES } from '../src/schemas/bank-branches.js';
import { FILM_RENTAL } from '../src/schemas/film-rental.js';
import { ORDER_ENTRY } from '../src/schemas/order-entry.js';
import { type Stack, startStack } from '../src/stack.js';

const CLIENTS = 2;
const TRANSACTIONS = 300;

describe('real schemas', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack('real-schemas');
  });
  afterAll(() => stack?.stop());

  test.each([FILM_RENTAL, ORDER_ENTRY, BANK_BRANCHES])(
    'a $name database under its application arrives with its indexes and keys, and is equal while it is written to',
    async (real) => {
      const pair = await stack.createPair({ source: real.schema + real.rows + real.constraints });
      const load = new ApplicationLoad(pair.sourceUrl, real, CLIENTS);
      const tables = real.tables.map((table) => samePair('public', table));
      try {
        const mirror = await pair.createMirror({ all_tables: true });
        await mirror.waitForStatus('running');
        await pair.until(
          async () => (await mirror.view()).phase === 'streaming changes',
          'indexes and foreign keys to be built',
        );
        const before = load.committed;
        await pair.until(
          () => Promise.resolve(load.committed > before + TRANSACTIONS),
          'the application',
        );
        const comparison = await compareRepeatedly(pair.sourceUrl, pair.destinationUrl, tables, {
          catchUp: () => mirror.waitForCatchUp(),
        });
        expect(comparison.tables.map(({ difference }) => difference).join('')).toBe('');
        await load.stop();
        await mirror.waitForEqual(tables);
        const diff = await stack.api.call('GET', `/v1/mirrors/${mirror.name}/schema-diff`);
        expect(diff.body).toMatchObject({ in_sync: true, changes: [] });
      } finally {
        await load.stop();
      }
    },
  );
});
