import { randomBytes } from 'node:crypto';
import {
  type ApplyStats,
  type ChangeLanes,
  DEFAULT_MIRROR_OPTIONS,
  type LaneWish,
  type MirrorOptions,
  type MirrorSpec,
  type PeerConnection,
  Query,
  type RestartPosition,
  type SchemaShadowReply,
  type SchemaShadowRequest,
  type SourceIdentity,
  type TableMapping,
  changeStreamName,
  statsSubject,
} from '@bunnydb/contracts';
import { MirrorError, reportOf } from '@bunnydb/failure';
import { type Messaging, connectMessaging } from '@bunnydb/messaging';
import {
  formatLsn,
  formatQualifiedName,
  parseQualifiedName,
  quoteIdentifier,
} from '@bunnydb/pg-model';
import { type TestDatabase, createDatabase, equalDatabases, until } from '@bunnydb/testkit';
import { applySession } from '../src/shell/apply-session.js';
import { ControlResponder } from '../src/shell/control-responder.js';
import { SourceFeed } from './source-feed.js';

export interface LaneEvent {
  readonly type: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A session of the real applier that may fail. */
export interface LaneSession {
  readonly ended: Promise<unknown>;
  stop(): Promise<void>;
}

/** A source, its change stream, and a destination that sessions of the real applier write; the shadow tables of the schema service are stood in for. */
export class LaneFixture {
  readonly source: TestDatabase;
  readonly destination: TestDatabase;
  readonly messaging: Messaging;
  readonly mirrorId: string;
  feed: SourceFeed;
  readonly events: LaneEvent[] = [];
  /** What was asked about shadows. */
  readonly asked: string[] = [];
  /** Tables of which no shadow may be made, or put in their place. */
  readonly unswappable = new Map<string, SchemaShadowRequest['action']>();
  tables: string[] = [];
  options: Partial<MirrorOptions> = {};
  stats: ApplyStats | undefined;
  readonly #sessions: LaneSession[] = [];
  readonly #swapped = new Set<string>();
  #isWriting = true;
  readonly #writers: Promise<void>[] = [];
  #commands = 0;

  /** @param natsUrl a server that no other fixture uses at the same time: shadows are asked for by a subject that all mirrors share. */
  static async open(natsUrl: string): Promise<LaneFixture> {
    const mirrorId = `l${randomBytes(6).toString('hex')}`;
    const messaging = await connectMessaging({ url: natsUrl, name: 'lane test' });
    const source = await createDatabase({ prefix: 'lane_src' });
    const destination = await createDatabase({ prefix: 'lane_dst' });
    const feed = await SourceFeed.open(source, messaging, mirrorId);
    return new LaneFixture(messaging, mirrorId, { source, destination, feed });
  }

  private constructor(
    messaging: Messaging,
    mirrorId: string,
    sides: { source: TestDatabase; destination: TestDatabase; feed: SourceFeed },
  ) {
    this.messaging = messaging;
    this.mirrorId = mirrorId;
    this.source = sides.source;
    this.destination = sides.destination;
    this.feed = sides.feed;
    messaging.respondJson<SchemaShadowRequest, SchemaShadowReply>(Query.SchemaShadow, (request) =>
      this.#answerShadow(request),
    );
    messaging.subscribeJson<ApplyStats>(statsSubject(mirrorId, 'apply'), (stats) => {
      this.stats = stats;
    });
    this.feed.start();
  }

  async close(): Promise<void> {
    await this.endWriting().catch(() => undefined);
    for (const session of this.#sessions) await session.stop();
    await this.feed.stop().catch(() => undefined);
    await this.messaging.jsm.streams.delete(changeStreamName(this.mirrorId)).catch(() => false);
    await this.messaging.close();
    await this.source.drop();
    await this.destination.drop();
  }

  /** A table of the mirror, the same on both sides. */
  async add(table: string, columns = 'id bigint primary key, note text'): Promise<void> {
    for (const side of [this.source, this.destination])
      await side.query(`create table ${table} (${columns})`);
    this.tables.push(`public.${table}`);
  }

  /** Writes until `endWriting`, a statement after the other. */
  write(statement: (turn: number) => string): void {
    this.#isWriting = true;
    const work = async (): Promise<void> => {
      for (let turn = 0; this.#isWriting; turn++) await this.source.query(statement(turn));
    };
    const writer = work();
    writer.catch(() => undefined);
    this.#writers.push(writer);
  }

  async endWriting(): Promise<void> {
    this.#isWriting = false;
    await Promise.all(this.#writers.splice(0));
  }

  start(): LaneSession {
    const stopping = new AbortController();
    const open = applySession({ messaging: this.messaging, open: (sealed) => sealed });
    const ended = open(this.spec, {
      signal: stopping.signal,
      instance: 'test',
      emit: async (type, body) => void this.events.push({ type, body: { ...body } }),
      markHealthy: () => undefined,
      stayFor: (work) => work,
    }).then(
      () => undefined,
      (error: unknown) => error,
    );
    const session: LaneSession = {
      ended,
      stop: async () => {
        stopping.abort();
        await ended;
      },
    };
    this.#sessions.push(session);
    return session;
  }

  /** Asks something of tables' lanes, as control does. */
  async ask(
    wish: LaneWish,
    tables: readonly string[],
    commandId = `c${++this.#commands}`,
  ): Promise<unknown> {
    const responder = new ControlResponder((sealed) => sealed, this.messaging);
    const command: ChangeLanes = {
      v: 1,
      command_id: commandId,
      verb: 'change_lanes',
      mirror_id: this.mirrorId,
      body: { spec: this.spec, wish, tables },
    };
    return (await responder.handleChangeLanes(command)).body;
  }

  /** The slot is lost with what it held, and another one is made, as capture does it; the session must be over. */
  async loseSlot(): Promise<void> {
    await this.feed.stop();
    await this.source.query(
      `select pg_drop_replication_slot('${this.mirrorId}'); drop publication ${this.mirrorId}`,
    );
    await this.messaging.jsm.streams.delete(changeStreamName(this.mirrorId));
    this.feed = await SourceFeed.open(this.source, this.messaging, this.mirrorId);
    this.feed.start();
  }

  /** Starts the destination from the slot that there is now, as control asks for it. */
  async restartPosition(
    rebuild: number,
    strategy: 'truncate' | 'swap',
    formerIdentity: SourceIdentity | null = this.spec.source_identity ?? null,
  ): Promise<unknown> {
    const responder = new ControlResponder((sealed) => sealed, this.messaging);
    const command: RestartPosition = {
      v: 1,
      command_id: `c${++this.#commands}`,
      verb: 'restart_position',
      mirror_id: this.mirrorId,
      body: { spec: this.spec, rebuild, strategy, former_identity: formerIdentity },
    };
    return (await responder.handleRestartPosition(command)).body;
  }

  async stateOf(table: string): Promise<string> {
    const [row] = await this.#rows(table, 'state');
    return String(row?.['state']);
  }

  async rowOf(table: string): Promise<Record<string, unknown> | undefined> {
    return (await this.#rows(table, '*'))[0];
  }

  /** Waits until all tables have this state; a session that has failed ends the wait. */
  async untilState(session: LaneSession, state: string, ...tables: string[]): Promise<void> {
    let failure: unknown;
    void session.ended.then((error) => (failure = error));
    const wanted = tables.length > 0 ? tables : this.tables;
    let seen: string[] = [];
    await until(
      async () => {
        if (failure !== undefined) throw failure;
        seen = await Promise.all(wanted.map((table) => this.stateOf(table)));
        return seen.every((one) => one === state);
      },
      { timeoutMs: 30_000, what: () => `${wanted.join()} to be ${state}, now ${seen.join()}` },
    );
  }

  /** Waits until everything that the source has committed by now is applied. */
  async untilCaughtUp(): Promise<void> {
    const [now] = await this.source.query<{ lsn: string }>(
      'select pg_current_wal_insert_lsn()::text as lsn',
    );
    await until(
      async () => {
        const [row] = await this.destination.query<{ reached: boolean }>(
          'select lsn >= $1::pg_lsn as reached from _bunny.position',
          [now?.lsn],
        );
        return row?.reached ?? false;
      },
      { timeoutMs: 30_000, what: 'the position to get there' },
    );
  }

  /** In words what differs between both sides. */
  async difference(): Promise<string> {
    const pairs = this.tables.map((table) => {
      const name = parseQualifiedName(table);
      return { source: name, destination: name, excludeColumns: [] };
    });
    const { tables } = await equalDatabases(this.source.url, this.destination.url, pairs);
    return tables
      .map(({ difference }) => difference)
      .join('\n')
      .trim();
  }

  get spec(): MirrorSpec {
    return {
      v: 1,
      id: this.mirrorId,
      name: this.mirrorId,
      generation: 1,
      desired: 'run',
      source: peerOf(this.source),
      destination: peerOf(this.destination),
      slot_name: 'none',
      publication_name: 'none',
      own_publication: false,
      tables: this.tables.map((table): TableMapping => {
        const name = parseQualifiedName(table);
        return { source: name, destination: name, exclude_columns: [] };
      }),
      options: { ...DEFAULT_MIRROR_OPTIONS, schema_changes: 'ignore', ...this.options },
      source_identity: {
        system_id: '7000000000000000001',
        database: this.source.name,
        start_lsn: formatLsn(this.feed.startLsn),
      },
    };
  }

  async #rows(table: string, columns: string): Promise<Record<string, unknown>[]> {
    const present = await this.destination.query(`select to_regclass('_bunny.table_state') as t`);
    if (present[0]?.['t'] === null) return [];
    return await this.destination.query(
      `select ${columns} from _bunny.table_state where source_schema || '.' || source_table = $1`,
      [table],
    );
  }

  async #answerShadow({ action, tables }: SchemaShadowRequest): Promise<SchemaShadowReply> {
    this.asked.push(`${action} ${tables.map(({ table }) => table).join()}`);
    const refused = tables.find(({ table }) => this.unswappable.get(table) === action);
    if (refused) {
      const detail = { table: formatQualifiedName(refused), reasons: ['view v depends on it'] };
      const failure = new MirrorError('swap_refused', 'it cannot be swapped', { detail });
      return { ok: false, failure: reportOf(failure) };
    }
    const shadows = tables.map((table) => ({
      table,
      shadow: { ...table, table: `${table.table}_shadow` },
    }));
    const statements = shadows.flatMap(({ table: { table: name }, shadow }) => {
      const [old, fresh] = [quoteIdentifier(name), quoteIdentifier(shadow.table)];
      if (action === 'swap' && this.#swapped.has(name)) return [];
      if (action === 'create') this.#swapped.delete(name);
      else this.#swapped.add(name);
      return action === 'create'
        ? [`drop table if exists ${fresh}`, `create table ${fresh} (like ${old} including all)`]
        : [`drop table ${old}`, `alter table ${fresh} rename to ${old}`];
    });
    await this.destination.query(['begin', ...statements, 'commit'].join('; '));
    return { ok: true, shadows };
  }
}

function peerOf(database: TestDatabase): PeerConnection {
  return {
    name: 'peer',
    host: database.host,
    port: database.port,
    user: database.user,
    database: database.name,
    ssl_mode: 'disable',
    ...(database.password === undefined ? {} : { password: database.password }),
  };
}
