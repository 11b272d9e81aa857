import type { Kysely } from 'kysely';
import { type TestDatabase, createDatabase } from '@bunnydb/testkit';
import {
  type CatalogSettings,
  type EventCodec,
  EventStore,
  type NewEvent,
  type Projection,
  createEventTablesV1,
  createEventTablesV2,
  openCatalog,
} from '../src/index.js';
import { sql } from 'kysely';

/** A little ledger: what the tests append. */
export type LedgerEvent =
  | { readonly type: 'paid_in'; readonly body: { readonly amount: number } }
  | { readonly type: 'paid_out'; readonly body: { readonly amount: number } };

export interface LedgerTables {
  readonly balances: { readonly account: string; readonly amount: number };
}

export interface Fixture {
  readonly database: TestDatabase;
  readonly settings: CatalogSettings;
  readonly catalog: Kysely<LedgerTables>;
  readonly store: EventStore<LedgerEvent, LedgerTables>;
  readonly close: () => Promise<void>;
}

const codec: EventCodec<LedgerEvent> = {
  decode: (type, body) => {
    if (type !== 'paid_in' && type !== 'paid_out') throw new Error(`unknown event ${type}`);
    return { type, body } as LedgerEvent;
  },
};

const balances: Projection<LedgerEvent, LedgerTables> = {
  name: 'balances',
  reset: async (tx) => {
    await tx.deleteFrom('balances').execute();
  },
  handle: async (tx, { event, streamId }) => {
    if (event.body.amount === 13) throw new Error('the projection fails');
    const change = event.type === 'paid_in' ? event.body.amount : -event.body.amount;
    await sql`
      insert into balances (account, amount) values (${streamId}, ${change})
      on conflict (account) do update set amount = balances.amount + ${change}`.execute(tx);
  },
};

/** A catalog of its own, with a store on it. */
export async function openFixture(): Promise<Fixture> {
  const database = await createDatabase({ prefix: 'store' });
  const { password } = database;
  const settings: CatalogSettings = {
    host: database.host,
    port: database.port,
    user: database.user,
    password: password === undefined ? undefined : () => password,
    database: database.name,
    tls: { tag: 'none' },
    applicationName: 'event-store test',
    poolSizeMax: 8,
    connectTimeoutMs: 5_000,
    statementTimeoutMs: 30_000,
  };
  const catalog = openCatalog<LedgerTables>(settings, () => undefined);
  await createEventTablesV1(catalog);
  await createEventTablesV2(catalog);
  await sql`create table balances (account text primary key, amount integer not null)`.execute(
    catalog,
  );
  return {
    database,
    settings,
    catalog,
    store: new EventStore({
      catalog,
      codec,
      projections: [balances],
      traceParent: () => TRACE_PARENT,
    }),
    close: async () => {
      await catalog.destroy();
      await database.drop();
    },
  };
}

/** The trace that the store is told of. */
export const TRACE_PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

let count = 0;

export const paidIn = (amount: number, eventId = `e${(count += 1)}`): NewEvent<LedgerEvent> => ({
  eventId,
  event: { type: 'paid_in', body: { amount } },
  metadata: { actor: 'test' },
  recordedAt: new Date('2026-01-01T00:00:00Z'),
});
