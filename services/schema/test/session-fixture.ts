import {
  type AnyCommand,
  COMMAND_STREAM,
  type MirrorOptions,
  type MirrorSpec,
  lookSubject,
} from '@bunnydb/contracts';
import {
  type Messaging,
  type SessionContext,
  connectMessaging,
  ensureControlStreams,
} from '@bunnydb/messaging';
import { type NatsServer, startNats, until } from '@bunnydb/testkit';
import { schemaSession } from '../src/shell/schema-session.js';
import { FollowFixture } from './follow-fixture.js';

interface Told {
  readonly type: string;
  readonly body: unknown;
}

/** A schema session of a mirror between two databases, with a NATS server; what it tells is kept. */
export class SessionFixture {
  readonly told: Told[] = [];
  failure: unknown;
  readonly #nats: NatsServer;
  readonly messaging: Messaging;
  readonly databases: FollowFixture;
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  private constructor(nats: NatsServer, messaging: Messaging, databases: FollowFixture) {
    this.#nats = nats;
    this.messaging = messaging;
    this.databases = databases;
  }

  static async open(): Promise<SessionFixture> {
    const nats = await startNats();
    const messaging = await connectMessaging({ url: nats.url, name: 'test' });
    await ensureControlStreams(messaging);
    return new SessionFixture(nats, messaging, await FollowFixture.open());
  }

  async close(): Promise<void> {
    await this.stop();
    await this.databases.close();
    await this.messaging.close();
    await this.#nats.stop();
  }

  spec(tables: readonly string[], more: Partial<MirrorSpec> = {}): MirrorSpec {
    return { ...this.databases.schema.spec(tables), desired: 'run', ...more };
  }

  /** Puts the tables into a state, as the applier does; all of them are copied and built. */
  async place(spec: MirrorSpec, state = 'running'): Promise<void> {
    const { destination, schema } = this.databases;
    for (const { source, destination: target } of spec.tables) {
      await destination.query(
        `insert into _bunny.table_state (mirror_id, source_schema, source_table, destination_schema, destination_table, state, copy_lsn)
         values ($1, $2, $3, $4, $5, $6, '0/1') on conflict (mirror_id, source_schema, source_table) do update set state = excluded.state`,
        [spec.id, source.schema, source.table, target.schema, target.table, state],
      );
    }
    await this.applyUpTo(spec);
    await schema.build(
      spec.tables.map((table) => table),
      spec.options,
    );
  }

  /** The stream is applied up to what the source has by now. */
  async applyUpTo(spec: MirrorSpec): Promise<void> {
    const { source, destination } = this.databases;
    const [row] = await source.query<{ lsn: string }>(
      `select pg_current_wal_insert_lsn()::text as lsn`,
    );
    await destination.query(
      `insert into _bunny.position (mirror_id, mirror_name, epoch, lsn, stream_seq, source_system_id) values ($1, 'm', 1, $2, 1, '1')
       on conflict (mirror_id) do update set lsn = excluded.lsn`,
      [spec.id, row?.lsn],
    );
  }

  start(spec: MirrorSpec, polls: { structureMs?: number; sequenceMs?: number } = {}): void {
    this.#stop = new AbortController();
    const context: SessionContext = {
      signal: this.#stop.signal,
      instance: 'test',
      emit: (type, body) => {
        this.told.push({ type, body });
        return Promise.resolve();
      },
      markHealthy: () => undefined,
      stayFor: (work) => work,
    };
    const open = schemaSession({
      messaging: this.messaging,
      openSecret: (sealed) => sealed,
      follow: this.databases.sessions,
      structurePollMs: polls.structureMs ?? 200,
      sequencePollMs: polls.sequenceMs ?? 200,
    });
    this.failure = undefined;
    this.#running = open(spec, context).catch((error: unknown) => {
      this.failure = error;
    });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Says that the source's structure has changed. */
  look(spec: MirrorSpec): void {
    this.messaging.publishJson(lookSubject(spec.id), {});
  }

  async waitFor(what: string, isThere: () => Promise<boolean> | boolean): Promise<void> {
    await until(
      async () => {
        if (this.failure !== undefined) throw this.failure;
        return await isThere();
      },
      { timeoutMs: 30_000, what },
    );
  }

  bodies(type: string): readonly unknown[] {
    return this.told.filter((event) => event.type === type).map((event) => event.body);
  }

  /** The last command that the session sent, as long as nobody works it off. */
  async lastCommand(): Promise<AnyCommand | undefined> {
    const message = await this.messaging.jsm.streams.getMessage(COMMAND_STREAM, {
      last_by_subj: 'bunny.cmd.apply.>',
    });
    return message?.json<AnyCommand>();
  }
}

/** Options of a mirror that differ from the defaults. */
export function withOptions(spec: MirrorSpec, options: Partial<MirrorOptions>): MirrorSpec {
  return { ...spec, options: { ...spec.options, ...options } };
}
