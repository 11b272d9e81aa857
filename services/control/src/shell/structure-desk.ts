import {
  Query,
  type Reply,
  type SchemaDiffReply,
  type SchemaSyncReply,
  type SyncSchemaRequest,
} from '@bunnydb/contracts';
import { FailureKind, type FailureReport } from '@bunnydb/failure';
import { type EventMetadata, START_OF_EVENTS } from '@bunnydb/event-store';
import type { Messaging } from '@bunnydb/messaging';
import { mirrorStream } from '../core/control-event.js';
import { commandSpecOf } from '../core/mirror/mirror-spec-of.js';
import { mirrorStatus } from '../core/mirror/mirror-status.js';
import { type SyncAnswer, type SyncEnd, syncAnswer } from '../core/mirror/sync-outcome.js';
import type { ControlStore } from './catalog/control-store.js';
import type { MirrorRow } from './catalog/read-mirrors.js';
import type { EventBells } from './event-bells.js';
import { Problem, refusalProblem } from './http/problem.js';
import { readMirrorPeers } from './process/spec-publisher.js';
import { waitForSync } from './schema-sync-wait.js';

type Succeeded<Answer> = Extract<Answer, { readonly ok: true }>;

/** What can be asked and done about the structure of a mirror's destination; the schema service does it. */
export class StructureDesk {
  readonly #store: ControlStore;
  readonly #messaging: Messaging;

  readonly #bells: EventBells;
  readonly #newId: () => string;
  readonly #stopping: AbortSignal;

  constructor(options: {
    readonly store: ControlStore;
    readonly messaging: Messaging;
    readonly bells: EventBells;
    readonly newId: () => string;
    readonly stopping: AbortSignal;
  }) {
    this.#store = options.store;
    this.#messaging = options.messaging;
    this.#bells = options.bells;
    this.#newId = options.newId;
    this.#stopping = options.stopping;
  }

  /** What the destination lacks of the source now. */
  async diff(row: MirrorRow): Promise<Omit<Succeeded<SchemaDiffReply>, 'ok'>> {
    return this.#ask<SchemaDiffReply>(row, Query.SchemaDiff, {}, DIFF_TIMEOUT_MS);
  }

  /** What a sync would do now. */
  async dryRun(
    row: MirrorRow,
    wishes: SyncSchemaRequest,
  ): Promise<Omit<Succeeded<SchemaSyncReply>, 'ok' | 'stale'>> {
    const { stale, ...result } = await this.#ask<SchemaSyncReply>(
      row,
      Query.SchemaSync,
      { ...wishes, dry_run: true },
      DIFF_TIMEOUT_MS,
    );
    if (stale.length > 0) throw stalePlan(stale);
    return result;
  }

  /**
   * Makes pending changes, as a step of the mirror's saga, and waits for its end as long as `left` does not abort; the step goes on if it
   * does. 409 when a change that was asked for is no longer pending.
   */
  async sync(
    row: MirrorRow,
    wishes: SyncSchemaRequest,
    metadata: EventMetadata,
    left: AbortSignal,
  ): Promise<SyncAnswer & { readonly left_off: number }> {
    const { changes: pending, left_off: leftOff } = await this.diff(row);
    const known = new Set(pending.map(({ id }) => id));
    const stale = (wishes.changes ?? []).filter((id) => !known.has(id));
    // What did not fit into the answer may be pending still; the worker looks again.
    if (stale.length > 0 && leftOff === 0) throw stalePlan(stale);
    const end = await this.#request(row, wishes, metadata, left);
    switch (end?.tag) {
      case undefined:
        throw new Problem(503, 'the changes of structure are still being made; see the log', {
          retryAfterSeconds: 60,
        });
      case 'deleted':
        throw new Problem(409, 'the mirror is being deleted');
      case 'failed':
        throw failureProblem(end.failure);
      case 'synced':
        if (end.body.stale.length > 0) throw stalePlan(end.body.stale);
        return { ...syncAnswer(end.body, pending), left_off: leftOff };
    }
  }

  async #request(
    row: MirrorRow,
    wishes: SyncSchemaRequest,
    metadata: EventMetadata,
    left: AbortSignal,
  ): Promise<SyncEnd | null> {
    const streamId = mirrorStream(row.mirror_id);
    const [last] = await this.#store.events.loadPage(streamId, {
      after: START_OF_EVENTS,
      limit: 1,
      order: 'newest_first',
    });
    const requestId = this.#newId();
    const result = await this.#store.mirrors.handle(
      streamId,
      {
        type: 'sync_schema',
        wishes: {
          ...(wishes.changes ? { changes: wishes.changes } : {}),
          ...(wishes.include ? { include: wishes.include } : {}),
          allow_destructive: wishes.allow_destructive === true,
        },
      },
      { metadata, eventId: requestId },
    );
    if (result.tag === 'refused') throw refusalProblem(result.refusal);
    return waitForSync({
      store: this.#store,
      bells: this.#bells,
      streamId,
      after: last?.position ?? START_OF_EVENTS,
      requestId,
      signal: AbortSignal.any([left, this.#stopping]),
    });
  }

  async #ask<Answer extends Reply<object>>(
    row: MirrorRow,
    subject: string,
    wishes: object,
    timeoutMs: number,
  ): Promise<Omit<Succeeded<Answer>, 'ok'>> {
    const { state } = row;
    if (state.tag === 'absent' || state.tag === 'terminating' || state.tag === 'dropped') {
      throw new Problem(409, `the mirror is ${mirrorStatus(state)}: it is being deleted`);
    }
    const spec = commandSpecOf(state, await readMirrorPeers(this.#store.catalog, row));
    const reply = await this.#messaging.request<Answer>(
      subject,
      { ...wishes, spec },
      { timeoutMs },
    );
    if (isFailure(reply)) throw failureProblem(reply.failure);
    const { ok: _, ...answer } = reply as Succeeded<Answer>;
    return answer;
  }
}

function isFailure(
  reply: Reply<object>,
): reply is { readonly ok: false; readonly failure: FailureReport } {
  return !reply.ok;
}

function stalePlan(stale: readonly string[]): Problem {
  const ids = stale.slice(0, LISTED_MAX).join(', ');
  return new Problem(
    409,
    `not pending any more, so nothing was changed: ${ids}; ask for schema-diff again`,
  );
}

function failureProblem({ kind, message, hint }: FailureReport): Problem {
  const isBusy = kind === FailureKind.LockTimeout;
  return new Problem(isBusy ? 409 : 503, `${message}: ${hint}`, { retryAfterSeconds: 10 });
}

/** Both catalogs are read whole for the mirror's tables. */
const DIFF_TIMEOUT_MS = 120_000;
const LISTED_MAX = 20;
