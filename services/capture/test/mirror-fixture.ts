import { setTimeout as sleep } from 'node:timers/promises';
import {
  DEFAULT_MIRROR_OPTIONS,
  type MirrorOptions,
  type MirrorSpec,
  changeStreamName,
  positionSubject,
} from '@bunnydb/contracts';
import {
  Header,
  decodeCommitHead,
  decodeSchemaMark,
  decodeSchemaMarkHead,
  decodeTableHead,
  decodeTransactions,
} from '@bunnydb/change-stream';
import { type Messaging, connectMessaging } from '@bunnydb/messaging';
import { type ConnectionSettings, settingsOf } from '@bunnydb/pg-client';
import { formatLsn, parseQualifiedName } from '@bunnydb/pg-model';
import type { TestDatabase } from '@bunnydb/testkit';
import { captureSession } from '../src/shell/capture-session.js';
import { type Change, type StoredMessage, changesOf } from './stored-changes.js';
import { prepareSource } from '../src/shell/prepare-source.js';

export interface FixtureOptions {
  readonly tables: readonly string[];
  readonly options?: Partial<MirrorOptions>;
  readonly spec?: Partial<MirrorSpec>;
}

let counter = 0;

/** A spec for tests; the id is unique for the life of the process and beyond. */
export function specFor(database: TestDatabase, options: FixtureOptions): MirrorSpec {
  const id = `t${process.pid}x${(counter++).toString(36)}x${Date.now().toString(36)}`;
  return {
    v: 1,
    id,
    name: `m_${id}`,
    generation: 1,
    desired: 'run',
    source: {
      name: 'source',
      host: database.host,
      port: database.port,
      user: database.user,
      database: database.name,
      ssl_mode: 'disable',
      ...(database.password === undefined ? {} : { password: database.password }),
    },
    destination: {
      name: 'destination',
      host: database.host,
      port: database.port,
      user: database.user,
      database: database.name,
      ssl_mode: 'disable',
    },
    slot_name: `bunny_${id}`,
    publication_name: `bunny_${id}`,
    own_publication: false,
    tables: options.tables.map((table) => ({
      source: parseQualifiedName(table),
      destination: parseQualifiedName(table),
      exclude_columns: [],
    })),
    options: { ...DEFAULT_MIRROR_OPTIONS, ...options.options },
    ...options.spec,
  };
}

/** A prepared mirror and whoever reads it, on real servers. */
export class CapturedMirror {
  readonly messaging: Messaging;
  readonly settings: ConnectionSettings;
  spec: MirrorSpec;
  #session: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(messaging: Messaging, spec: MirrorSpec) {
    this.messaging = messaging;
    this.spec = spec;
    this.settings = settingsOf(spec.source, (sealed) => sealed, 'bunnydb test');
  }

  static async prepare(
    natsUrl: string,
    database: TestDatabase,
    options: FixtureOptions,
  ): Promise<CapturedMirror> {
    const messaging = await connectMessaging({
      url: natsUrl,
      name: 'capture test',
    });
    const mirror = new CapturedMirror(messaging, specFor(database, options));
    const prepared = await prepareSource(messaging, mirror.settings, mirror.spec);
    mirror.spec = { ...mirror.spec, source_identity: prepared.identity };
    return mirror;
  }

  get failure(): unknown {
    return this.#failure;
  }

  start(): void {
    const session = new AbortController();
    this.#session = session;
    this.#failure = undefined;
    const openSession = captureSession({ messaging: this.messaging, open: (sealed) => sealed });
    this.#running = openSession(this.spec, {
      signal: session.signal,
      instance: 'test',
      emit: () => Promise.resolve(),
      markHealthy: () => undefined,
      stayFor: (work) => work,
    }).catch((error: unknown) => {
      this.#failure = error;
    });
  }

  async stop(): Promise<void> {
    this.#session?.abort();
    await this.#running;
  }

  /** Waits for the session to end by itself; its failure. */
  async ended(timeoutMs = 20_000): Promise<unknown> {
    await Promise.race([this.#running, sleep(timeoutMs, undefined, { ref: false })]);
    return this.#failure;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.messaging.jsm.streams.delete(changeStreamName(this.spec.id)).catch(() => false);
    await this.messaging.close();
  }

  /** Acts as the destination: says that all up to this message has been applied and flushed. */
  confirm(message: StoredMessage): void {
    const lsn = message.commit?.head.lastLsn;
    if (lsn === undefined) throw new Error('only a commit message can be confirmed');
    const text = formatLsn(lsn);
    this.messaging.publishJson(positionSubject(this.spec.id), {
      v: 1,
      mirror_id: this.spec.id,
      applied_lsn: text,
      flushed_lsn: text,
      flushed_stream_seq: message.sequence,
    });
  }

  /** All messages of the stream. */
  async messages(): Promise<StoredMessage[]> {
    const name = changeStreamName(this.spec.id);
    const state = await this.messaging.jsm.streams.info(name).then(
      (info) => info.state,
      () => null,
    );
    if (!state) return [];
    const found: StoredMessage[] = [];
    for (let sequence = Math.max(1, state.first_seq); sequence <= state.last_seq; sequence++) {
      const message = await this.messaging.jsm.streams.getMessage(name, { seq: sequence });
      if (!message) continue;
      // Strangers may publish there, too.
      const isOurs = message.header.has(Header.Batch);
      const isCommit = isOurs && message.subject.endsWith('._commit');
      const isMark = isOurs && message.subject.endsWith('._schema');
      found.push({
        sequence,
        subject: message.subject,
        payload: Buffer.from(message.data),
        table:
          isCommit || !message.header.has(Header.Table) ? null : decodeTableHead(message.header),
        mark: isMark
          ? { head: decodeSchemaMarkHead(message.header), mark: decodeSchemaMark(message.data) }
          : null,
        commit: isCommit
          ? {
              head: decodeCommitHead(message.header),
              lines: decodeTransactions(message.string()),
            }
          : null,
      });
    }
    // What was purged meanwhile is no part of the answer: half a batch would look like a hole.
    const { state: after } = await this.messaging.jsm.streams.info(name);
    return found.filter((m) => (m.commit ? m.commit.head.firstSeq : m.sequence) >= after.first_seq);
  }

  /** The changes of all whole batches, each as its columns, in source order. */
  async changes(): Promise<Change[]> {
    return changesOf(await this.messages());
  }
}
