import {
  type MirrorSpec,
  Query,
  type SchemaFollowReply,
  type SchemaFollowRequest,
} from '@bunnydb/contracts';
import { MirrorError, backoffDelayMs } from '@bunnydb/failure';
import type { Messaging } from '@bunnydb/messaging';
import type { QualifiedName } from '@bunnydb/pg-model';
import { carriesSchema } from '../core/carried-schema.js';

export type FollowAnswer = Extract<SchemaFollowReply, { readonly ok: true }>;

/** Asks the schema service to bring the destination in line (`bunny.schema.follow`). */
export class SchemaQuestions {
  readonly #messaging: Messaging;
  readonly #spec: MirrorSpec;
  readonly #signal: AbortSignal;

  constructor(messaging: Messaging, spec: MirrorSpec, signal: AbortSignal) {
    this.#messaging = messaging;
    this.#spec = spec;
    this.#signal = signal;
  }

  /** Whether the mirror carries structure; if not, the service is not asked. */
  get carriesSchema(): boolean {
    return carriesSchema(this.#spec.options);
  }

  /**
   * Asks until somebody answers: a schema service that is down holds the mirror back, it does not lose anything. One that dies with the question leaves silence behind, so it is asked again soon,
   * and then with more and more time to answer: questions queue there, and one that was answered before costs little.
   *
   * @throws MirrorError what the service met, or `messaging_unavailable` when nobody answers for long.
   */
  async ask(
    tables: readonly QualifiedName[],
    cause: SchemaFollowRequest['cause'],
  ): Promise<FollowAnswer> {
    const startedAtMs = performance.now();
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.askOnce(tables, cause, answerMs(attempt));
      } catch (error) {
        this.#signal.throwIfAborted();
        const isSilent = error instanceof MirrorError && error.kind === 'messaging_unavailable';
        if (!isSilent || performance.now() - startedAtMs > PATIENCE_MS) throw error;
        this.#messaging.log.warn(
          { mirror: this.#spec.id, attempt },
          'the schema service does not answer, the mirror waits at a change of structure',
        );
        await this.#wait(backoffDelayMs(attempt, Math.random(), BACKOFF));
      }
    }
  }

  async askOnce(
    tables: readonly QualifiedName[],
    cause: SchemaFollowRequest['cause'],
    timeoutMs = answerMs(2),
  ): Promise<FollowAnswer> {
    const request: SchemaFollowRequest = { spec: this.#spec, tables, cause };
    const reply = await this.#messaging.request<SchemaFollowReply>(Query.SchemaFollow, request, {
      timeoutMs,
      signal: this.#signal,
    });
    if (reply.ok) return reply;
    const { kind, message, detail } = reply.failure;
    throw new MirrorError(kind, message, { detail });
  }

  async #wait(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, delayMs);
      this.#signal.addEventListener('abort', done, { once: true });
    });
  }
}

function answerMs(attempt: number): number {
  return Math.min(FIRST_ANSWER_MS * 2 ** (attempt - 1), ANSWER_MAX_MS);
}

const FIRST_ANSWER_MS = 5_000;
const ANSWER_MAX_MS = 60_000;
/** Nobody to answer is soon known; then the session fails with the reason, and its next attempt asks again. */
const PATIENCE_MS = 60_000;
const BACKOFF = { firstDelayMs: 250, maxDelayMs: 5_000 };
