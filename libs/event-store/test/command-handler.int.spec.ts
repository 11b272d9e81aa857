import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Aggregate, CommandHandler, type DomainEvent, readOutbox } from '../src/index.js';
import { type Fixture, type LedgerEvent, openFixture } from './catalog-fixture.js';

type Pay = { readonly type: 'pay_in' | 'pay_out'; readonly amount: number };

/** An account that is never overdrawn and says so to somebody when it becomes empty. */
const account: Aggregate<number, Pay, LedgerEvent, string, { readonly empty: true }> = {
  initialState: 0,
  decide: (balance, pay) => {
    if (pay.amount === 0) return { tag: 'accepted', events: [] };
    if (pay.type === 'pay_out' && pay.amount > balance) {
      return { tag: 'refused', refusal: 'overdrawn' };
    }
    const type = pay.type === 'pay_in' ? 'paid_in' : 'paid_out';
    return { tag: 'accepted', events: [{ type, body: { amount: pay.amount } }] };
  },
  evolve: (balance, event) =>
    event.type === 'paid_in' ? balance + event.body.amount : balance - event.body.amount,
  react: (before, _changes, after) => ({
    events: [],
    effects: before > 0 && after === 0 ? [{ empty: true }] : [],
  }),
  owns: (event: DomainEvent): event is LedgerEvent => event.type.startsWith('paid'),
  toMessage: (effect) => ({ messageId: 'empty', kind: 'note', body: effect }),
};

let fixture: Fixture;
let ids = 0;
const by = { metadata: { actor: 'test' } };
const newHandler = () =>
  new CommandHandler({
    store: fixture.store,
    aggregate: account,
    now: () => new Date('2026-01-01T00:00:00Z'),
    newId: () => `id${(ids += 1)}`,
  });

beforeAll(async () => {
  fixture = await openFixture();
});
afterAll(async () => {
  await fixture.close();
});

it('decides on the present state, whoever wrote it', async () => {
  const [one, two] = [newHandler(), newHandler()];
  await one.handle('x', { type: 'pay_in', amount: 5 }, by);
  expect(await two.handle('x', { type: 'pay_out', amount: 3 }, by)).toMatchObject({ state: 2 });
  expect(await one.handle('x', { type: 'pay_out', amount: 3 }, by)).toEqual({
    tag: 'refused',
    refusal: 'overdrawn',
  });
  expect(await one.load('x')).toBe(2);
});

it('writers that race are decided one after another, none lost', async () => {
  const handlers = Array.from({ length: 4 }, newHandler);
  await Promise.all(handlers.map((h) => h.handle('race', { type: 'pay_in', amount: 1 }, by)));
  expect(await newHandler().load('race')).toBe(4);
  const outs = await Promise.all(
    handlers.map((h) => h.handle('race', { type: 'pay_out', amount: 2 }, by)),
  );
  expect(outs.filter((out) => out.tag === 'done')).toHaveLength(2);
  expect(await newHandler().load('race')).toBe(0);
});

it('an event from outside is recorded once', async () => {
  const handler = newHandler();
  const pay = { type: 'pay_in', amount: 1 } as const;
  expect(await handler.handle('y', pay, { ...by, eventId: 'outside' })).toMatchObject({
    changed: true,
  });
  expect(await handler.handle('y', pay, { ...by, eventId: 'outside' })).toEqual({
    tag: 'duplicate',
  });
  expect(await handler.load('y')).toBe(1);
});

it('what the saga wants sent is in the outbox exactly if the events are stored', async () => {
  const handler = newHandler();
  await handler.handle('z', { type: 'pay_in', amount: 1 }, by);
  const refuse = () => Promise.resolve('not now');
  await handler.handle('z', { type: 'pay_out', amount: 1 }, { ...by, check: refuse });
  const ofZ = async () =>
    (await readOutbox(fixture.catalog, 10)).filter((message) => message.messageId === 'empty');
  const before = await ofZ();
  await handler.handle('z', { type: 'pay_out', amount: 1 }, by);
  expect((await ofZ()).length).toBe(1);
  expect(before.length).toBeLessThanOrEqual(1);
});

it('a command that changes nothing writes nothing', async () => {
  const handler = newHandler();
  expect(await handler.handle('n', { type: 'pay_in', amount: 0 }, by)).toEqual({
    tag: 'done',
    state: 0,
    changed: false,
  });
  expect(await fixture.store.load('n')).toEqual([]);
});
