import { setTimeout as sleep } from 'node:timers/promises';
import { type MirrorSpec, type StructureRefusal, lookSubject } from '@bunnydb/contracts';
import { FailureKind } from '@bunnydb/failure';
import type { Messaging, OpenSession, SessionContext } from '@bunnydb/messaging';
import { toMirrorError } from '@bunnydb/pg-client';
import { wantsSequences } from '../core/diff-options.js';
import { SequenceFollower } from './carry-sequences.js';
import type { FollowSessions } from './follow-sessions.js';
import { PatternWatch } from './pattern-watch.js';
import { PeerLinks } from './peer-links.js';
import type { OpenSecret } from './peer-session.js';
import { SourceTableWatch } from './source-table-watch.js';
import { StructureWatch } from './structure-watch.js';

export interface SchemaSessionOptions {
  readonly messaging: Messaging;
  readonly openSecret: OpenSecret;
  readonly follow: FollowSessions;
  readonly structurePollMs: number;
  readonly sequencePollMs: number;
}

/**
 * Looks after one running mirror's structure, in two loops of their own pace that share a session at either side:
 *
 *     structure    every BUNNY_SCHEMA_POLL_MS, and at once on `bunny.look.<mirror id>`: compare, make what is safe, tell; new tables for patterns
 *     sequences    every BUNNY_SEQUENCE_POLL_MS, and once more when the mirror is held: keep the destination's ahead
 *
 * Nothing here is in the way of the stream. A server that is down is the trouble of capture and apply, which report it; here it is waited for, so that
 * a mirror has one failure and not three. Any other failure ends the session and is reported.
 */
export function schemaSession(options: SchemaSessionOptions): OpenSession {
  return async (spec, context) => {
    const ended = new AbortController();
    const signal = AbortSignal.any([context.signal, ended.signal]);
    const links = new PeerLinks(spec, options.openSecret, signal);
    const session = new SchemaSession(spec, { ...context, signal }, links, options);
    try {
      await Promise.all([session.watchStructure(), session.followSequences()]);
      await session.followOnceMore();
    } finally {
      ended.abort();
      await links.close();
    }
  };
}

class SchemaSession {
  readonly #context: SessionContext;
  readonly #links: PeerLinks;
  readonly #options: SchemaSessionOptions;
  readonly #spec: MirrorSpec;
  readonly #structure: StructureWatch;
  readonly #patterns: PatternWatch;
  readonly #tables: SourceTableWatch;
  readonly #sequences: SequenceFollower;
  #sequenceNotes: readonly StructureRefusal[] = [];
  #wake = new AbortController();

  constructor(
    spec: MirrorSpec,
    context: SessionContext,
    links: PeerLinks,
    options: SchemaSessionOptions,
  ) {
    this.#spec = spec;
    this.#context = context;
    this.#links = links;
    this.#options = options;
    this.#patterns = new PatternWatch(spec, context.emit);
    this.#tables = new SourceTableWatch({
      spec,
      messaging: options.messaging,
      emit: context.emit,
    });
    this.#sequences = new SequenceFollower(spec);
    const { messaging, openSecret, follow } = options;
    const { signal, emit } = context;
    const watch = { spec, openSecret, signal, messaging, follow, links, emit };
    this.#structure = new StructureWatch(watch);
  }

  async watchStructure(): Promise<void> {
    const stop = this.#options.messaging.subscribeJson(lookSubject(this.#spec.id), () =>
      this.#wake.abort(),
    );
    try {
      const wakeSignal = (): AbortSignal => this.#wake.signal;
      await this.#repeat(
        () => this.#options.structurePollMs,
        wakeSignal,
        async () => {
          // A call that comes during the look ends the wait after it.
          this.#wake = new AbortController();
          await this.#structure.look();
          const [source, destination] = [
            await this.#links.source(),
            await this.#links.destination(),
          ];
          const notes = await this.#tables.look(source, destination);
          const { numbers } = this.#tables;
          if (numbers) await this.#patterns.look(source, numbers);
          await this.#structure.note([...notes, ...this.#sequenceNotes]);
        },
      );
    } finally {
      stop();
    }
  }

  async followSequences(): Promise<void> {
    if (!wantsSequences(this.#spec)) return;
    const { signal } = this.#context;
    let restMs = 0;
    await this.#repeat(
      () => Math.max(this.#options.sequencePollMs, restMs),
      () => signal,
      async () => {
        const startedAt = performance.now();
        await this.#follow();
        // With very many sequences a look takes its time; the servers have other work.
        restMs = (performance.now() - startedAt) * REST_SHARE;
      },
    );
  }

  /** When a mirror is held, somebody may be about to write at the destination. */
  async followOnceMore(): Promise<void> {
    if (!wantsSequences(this.#spec)) return;
    const last = this.#follow().catch(() => undefined);
    await Promise.race([last, sleep(LAST_LOOK_MS)]);
  }

  async #follow(): Promise<void> {
    const [source, destination] = await Promise.all([
      this.#links.source(),
      this.#links.destination(),
    ]);
    const { notes } = await this.#sequences.follow(source, destination);
    const isNew = JSON.stringify(notes) !== JSON.stringify(this.#sequenceNotes);
    this.#sequenceNotes = notes;
    if (!isNew || notes.length === 0) return;
    const sequences = notes.map((note) => note.object);
    this.#options.messaging.log.warn(
      { mirror: this.#spec.id, sequences },
      'sequences do not follow, since a privilege on them is missing',
    );
  }

  /** Until the session ends; a server that is out of reach only makes it wait. */
  async #repeat(
    periodMs: () => number,
    wakeSignal: () => AbortSignal,
    look: () => Promise<void>,
  ): Promise<void> {
    const { signal, markHealthy } = this.#context;
    let isReachable = true;
    while (!signal.aborted) {
      try {
        await look();
        markHealthy();
        isReachable = true;
      } catch (error) {
        if (signal.aborted) return;
        const failure = toMirrorError(error, { role: 'destination' });
        if (!OUT_OF_REACH.has(failure.kind)) throw failure;
        if (isReachable) {
          const fields = { mirror: this.#spec.id, kind: failure.kind, error: failure };
          this.#options.messaging.log.warn(fields, 'the structure is not looked at for now');
        }
        isReachable = false;
        await this.#links.close();
      }
      const wake = AbortSignal.any([signal, wakeSignal()]);
      await sleep(periodMs(), undefined, { signal: wake }).catch(() => undefined);
    }
  }
}

/** What capture and apply report as well, and what passes. */
const OUT_OF_REACH: ReadonlySet<FailureKind> = new Set([
  FailureKind.SourceUnreachable,
  FailureKind.DestinationUnreachable,
  FailureKind.PeerUnreachable,
  FailureKind.ServerShuttingDown,
  FailureKind.AuthenticationFailed,
  FailureKind.DatabaseMissing,
  FailureKind.TlsFailed,
  FailureKind.ReadOnly,
  FailureKind.MessagingUnavailable,
  FailureKind.LockTimeout,
  FailureKind.SerializationConflict,
  FailureKind.OutOfResources,
]);
const LAST_LOOK_MS = 2_000;
/** A look at sequences takes at most a tenth of the time. */
const REST_SHARE = 9;
