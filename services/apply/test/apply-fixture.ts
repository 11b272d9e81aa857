import { randomBytes } from 'node:crypto';
import {
  type ApplyStats,
  DEFAULT_MIRROR_OPTIONS,
  type MirrorOptions,
  type MirrorSpec,
  type TableMapping,
  statsSubject,
} from '@bunnydb/contracts';
import { type Messaging, connectMessaging } from '@bunnydb/messaging';
import { type Lsn, parseLsn } from '@bunnydb/pg-model';
import { type TestDatabase, createDatabase, until } from '@bunnydb/testkit';
import { applySession } from '../src/shell/apply-session.js';
import { type SourceTable, StreamWriter } from './stream-writer.js';

export interface FixtureOptions {
  readonly options?: Partial<MirrorOptions>;
  readonly mappings?: readonly TableMapping[];
  /** A NATS server of the test's own. */
  readonly natsUrl?: string;
  /** The role that the mirror connects as. */
  readonly user?: string;
}

/** A running session, or one that has failed. */
export interface RunningSession {
  readonly ended: Promise<void>;
  /** The failure of a session that must fail. */
  failure(): Promise<unknown>;
  stop(): Promise<void>;
}

/** A destination database, a change stream that the test writes, and sessions of the real applier between them. */
export class ApplyFixture {
  readonly destination: TestDatabase;
  readonly messaging: Messaging;
  readonly stream: StreamWriter;
  readonly mirrorId: string;
  readonly #tables: TableMapping[] = [];
  readonly #options: FixtureOptions;
  readonly #sessions: RunningSession[] = [];
  readonly events: { readonly type: string; readonly body: unknown }[] = [];
  stats: ApplyStats | undefined;

  private constructor(
    destination: TestDatabase,
    messaging: Messaging,
    mirrorId: string,
    options: FixtureOptions,
  ) {
    this.destination = destination;
    this.messaging = messaging;
    this.mirrorId = mirrorId;
    this.#options = options;
    this.stream = new StreamWriter(messaging, { id: mirrorId, name: mirrorId });
    messaging.subscribeJson<ApplyStats>(statsSubject(mirrorId, 'apply'), (stats) => {
      this.stats = stats;
    });
  }

  static async open(options: FixtureOptions = {}): Promise<ApplyFixture> {
    const url = options.natsUrl ?? process.env['BUNNY_TEST_NATS_URL'];
    if (url === undefined) throw new Error('no NATS for tests: run in the Vitest project int');
    const mirrorId = `a${randomBytes(6).toString('hex')}`;
    const fixture = new ApplyFixture(
      await createDatabase({ prefix: 'apply' }),
      await connectMessaging({ url, name: 'apply test' }),
      mirrorId,
      options,
    );
    await fixture.stream.createStream();
    return fixture;
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) await session.stop().catch(() => undefined);
    await this.messaging.jsm.streams.delete(`BUNNY_CDC_${this.mirrorId}`).catch(() => false);
    await this.messaging.close();
    await this.destination.drop();
  }

  /** Makes the table at the destination and maps it. */
  async createTable(
    table: SourceTable,
    sql: string,
    mapping: Partial<TableMapping> = {},
  ): Promise<void> {
    await this.destination.query(sql);
    this.map(table, mapping);
  }

  map(table: SourceTable, mapping: Partial<TableMapping> = {}): void {
    this.#tables.push({
      source: table.name,
      destination: table.name,
      exclude_columns: [],
      ...mapping,
    });
  }

  get spec(): MirrorSpec {
    const peer = {
      name: 'destination',
      host: this.destination.host,
      port: this.destination.port,
      user: this.#options.user ?? this.destination.user,
      database: this.destination.name,
      ssl_mode: 'disable',
      ...(this.destination.password === undefined ? {} : { password: this.destination.password }),
    } as const;
    return {
      v: 1,
      id: this.mirrorId,
      name: this.mirrorId,
      generation: 1,
      desired: 'run',
      source: peer,
      destination: peer,
      slot_name: 'none',
      publication_name: 'none',
      own_publication: false,
      tables: this.#tables,
      options: { ...DEFAULT_MIRROR_OPTIONS, do_initial_snapshot: false, ...this.#options.options },
      source_identity: {
        system_id: '7000000000000000001',
        database: 'source',
        start_lsn: '0/1000',
      },
    };
  }

  /** Starts a session of the applier. */
  start(): RunningSession {
    const stopping = new AbortController();
    const open = applySession({ messaging: this.messaging, open: (sealed) => sealed });
    const ended = open(this.spec, {
      signal: stopping.signal,
      instance: 'test',
      emit: async (type, body) => void this.events.push({ type, body }),
      markHealthy: () => undefined,
      stayFor: (work) => work,
    });
    ended.catch(() => undefined);
    const session: RunningSession = {
      ended,
      failure: () =>
        ended.then(
          () => new Error('the session did not fail'),
          (error: unknown) => error,
        ),
      stop: async () => {
        stopping.abort();
        await ended;
      },
    };
    this.#sessions.push(session);
    return session;
  }

  async position(): Promise<Lsn | undefined> {
    const [row] = await this.destination.query<{ lsn: string }>(
      `select lsn::text from _bunny.position where mirror_id = $1`,
      [this.mirrorId],
    );
    return row && parseLsn(row.lsn);
  }

  /** Waits until the destination has everything up to the LSN; a session that fails meanwhile ends the wait. */
  async untilApplied(session: RunningSession, lsn: Lsn = this.stream.lsn): Promise<void> {
    let failure: unknown;
    session.ended.catch((error: unknown) => (failure = error));
    await until(
      async () => {
        if (failure !== undefined) throw failure;
        const present = await this.destination.query(`select to_regclass('_bunny.position') as t`);
        if (present[0]?.['t'] === null) return false;
        const position = await this.position();
        return position !== undefined && position >= lsn;
      },
      { timeoutMs: 30_000, what: 'the position to get there' },
    );
  }

  /** Lets a session make its bookkeeping, and ends it. */
  async prepare(): Promise<void> {
    const session = this.start();
    await this.untilStats({ phase: 'streaming' });
    await session.stop();
  }

  /** Writes one batch and waits until it is applied by a session that then ends. */
  async apply(...transactions: Parameters<StreamWriter['write']>[0]): Promise<void> {
    await this.stream.write(transactions);
    const session = this.start();
    await this.untilApplied(session);
    await session.stop();
  }

  /** Waits until the published numbers are these. */
  async untilStats(wanted: Partial<ApplyStats>): Promise<void> {
    const entries = Object.entries(wanted);
    await until(
      () =>
        entries.every(
          ([name, value]) => new Map(Object.entries(this.stats ?? {})).get(name) === value,
        ),
      {
        timeoutMs: 10_000,
        what: () => `${JSON.stringify(wanted)}, last seen ${JSON.stringify(this.stats)}`,
      },
    );
  }

  rows(sql: string): Promise<Record<string, unknown>[]> {
    return this.destination.query(sql);
  }
}
