import { createHmac } from 'node:crypto';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { Kysely } from 'kysely';
import { type Observable, catchError, from, mergeMap, of } from 'rxjs';
import type { CatalogTables } from '../catalog/catalog-tables.js';
import { callerOf } from './access-guard.js';
import { Problem } from './problem.js';

const KEEP_MS = 24 * 3_600_000;
/** A write whose process died leaves its key behind; after this long it may be tried again. */
const UNANSWERED_MS = 120_000;

/**
 * Makes writes repeatable: the answer to a write with an `Idempotency-Key` is kept for a day, and the same write under the same key gets
 * that answer again. A failed write leaves no trace. Bodies are kept as a keyed hash only, since they may hold secrets.
 */
export class IdempotencyInterceptor implements NestInterceptor {
  readonly #catalog: Kysely<CatalogTables>;
  readonly #hashKey: string;
  readonly #now: () => Date;

  constructor(catalog: Kysely<CatalogTables>, hashKey: string, now: () => Date) {
    this.#catalog = catalog;
    this.#hashKey = hashKey;
    this.#now = now;
  }

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<Request>();
    const response = context.switchToHttp().getResponse<Response>();
    const key = request.header('idempotency-key');
    if (key === undefined || request.method === 'GET' || request.path.startsWith('/v1/auth/')) {
      return next.handle();
    }
    if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
      throw new Problem(400, 'Idempotency-Key must be 1 to 255 printable characters');
    }
    const { username } = callerOf(request);
    const kept = await this.#claim(username, key, this.#fingerprint(request));
    if (kept) {
      response.status(kept.status).setHeader('Idempotency-Replayed', 'true');
      return of(kept.answer);
    }
    return next.handle().pipe(
      mergeMap((answer: unknown) =>
        from(this.#keep(username, key, response.statusCode, answer).then(() => answer)),
      ),
      catchError((error: unknown) =>
        from(
          this.#release(username, key).then(() => {
            throw error;
          }),
        ),
      ),
    );
  }

  #fingerprint(request: Request): string {
    const body: unknown = request.body;
    return createHmac('sha256', this.#hashKey)
      .update(JSON.stringify([request.method, request.originalUrl, body ?? null]))
      .digest('hex');
  }

  async #claim(
    username: string,
    key: string,
    fingerprint: string,
  ): Promise<{ readonly status: number; readonly answer: unknown } | undefined> {
    const now = this.#now();
    await this.#catalog
      .deleteFrom('idempotency_keys')
      .where((column) =>
        column.or([
          column('created_at', '<', new Date(now.getTime() - KEEP_MS)),
          column.and([
            column('status', 'is', null),
            column('created_at', '<', new Date(now.getTime() - UNANSWERED_MS)),
          ]),
        ]),
      )
      .execute();
    const claimed = await this.#catalog
      .insertInto('idempotency_keys')
      .values({ username, key, fingerprint, status: null, answer: null, created_at: now })
      .onConflict((conflict) => conflict.doNothing())
      .returning('key')
      .executeTakeFirst();
    if (claimed) return undefined;
    const known = await this.#catalog
      .selectFrom('idempotency_keys')
      .select(['fingerprint', 'status', 'answer'])
      .where('username', '=', username)
      .where('key', '=', key)
      .executeTakeFirst();
    if (known && known.fingerprint !== fingerprint) {
      throw new Problem(409, 'this Idempotency-Key was used for another request');
    }
    if (!known || known.status === null) {
      throw new Problem(409, 'the request with this Idempotency-Key is still being carried out');
    }
    return { status: known.status, answer: known.answer };
  }

  async #keep(username: string, key: string, status: number, answer: unknown): Promise<void> {
    await this.#catalog
      .updateTable('idempotency_keys')
      .set({ status, answer: JSON.stringify(answer ?? null) })
      .where('username', '=', username)
      .where('key', '=', key)
      .execute();
  }

  async #release(username: string, key: string): Promise<void> {
    await this.#catalog
      .deleteFrom('idempotency_keys')
      .where('username', '=', username)
      .where('key', '=', key)
      .where('status', 'is', null)
      .execute();
  }
}
