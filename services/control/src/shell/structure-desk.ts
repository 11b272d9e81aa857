import {
  Query,
  type Reply,
  type SchemaDiffReply,
  type SchemaSyncReply,
  type SyncSchemaRequest,
} from '@bunnydb/contracts';
import { FailureKind, type FailureReport } from '@bunnydb/failure';
import type { Messaging } from '@bunnydb/messaging';
import { commandSpecOf } from '../core/mirror/mirror-spec-of.js';
import { mirrorStatus } from '../core/mirror/mirror-status.js';
import type { ControlStore } from './catalog/control-store.js';
import type { MirrorRow } from './catalog/read-mirrors.js';
import { Problem } from './http/problem.js';
import { readMirrorPeers } from './process/spec-publisher.js';

type Succeeded<Answer> = Extract<Answer, { readonly ok: true }>;

/** What can be asked and done about the structure of a mirror's destination; the schema service does it. */
export class StructureDesk {
  readonly #store: ControlStore;
  readonly #messaging: Messaging;

  constructor(options: { readonly store: ControlStore; readonly messaging: Messaging }) {
    this.#store = options.store;
    this.#messaging = options.messaging;
  }

  /** What the destination lacks of the source now. */
  async diff(row: MirrorRow): Promise<Omit<Succeeded<SchemaDiffReply>, 'ok'>> {
    return this.#ask<SchemaDiffReply>(row, Query.SchemaDiff, {}, DIFF_TIMEOUT_MS);
  }

  /** Makes pending changes one by one; 409 when one that was asked for is no longer pending. */
  async sync(
    row: MirrorRow,
    wishes: SyncSchemaRequest,
  ): Promise<Omit<Succeeded<SchemaSyncReply>, 'ok' | 'stale'>> {
    const { stale, ...result } = await this.#ask<SchemaSyncReply>(
      row,
      Query.SchemaSync,
      wishes,
      SYNC_TIMEOUT_MS,
    );
    if (stale.length === 0) return result;
    const ids = stale.slice(0, LISTED_MAX).join(', ');
    throw new Problem(
      409,
      `not pending any more, so nothing was changed: ${ids}; ask for schema-diff again`,
    );
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

function failureProblem({ kind, message, hint }: FailureReport): Problem {
  const isBusy = kind === FailureKind.LockTimeout;
  return new Problem(isBusy ? 409 : 503, `${message}: ${hint}`, { retryAfterSeconds: 10 });
}

/** Both catalogs are read whole for the mirror's tables. */
const DIFF_TIMEOUT_MS = 120_000;
/** Building indexes of large tables lasts; what is not done by then goes on, and a new diff tells. */
const SYNC_TIMEOUT_MS = 3_600_000;
const LISTED_MAX = 20;
