import { type Kysely, sql } from 'kysely';
import type { AlertMessage } from '../../core/alert/alert-message.js';
import type { CatalogTables } from './catalog-tables.js';

export interface WaitingDelivery {
  readonly id: bigint;
  /** Which of the webhooks. */
  readonly target: number;
  readonly message: AlertMessage;
  /** Tries, this one included. */
  readonly attempts: number;
  readonly createdAt: Date;
}

/** Notes that a message has to go to each webhook; noting it twice is harmless. */
export async function insertDeliveries(
  catalog: Kysely<CatalogTables>,
  messageId: string,
  message: AlertMessage,
  targets: number,
): Promise<void> {
  for (let target = 0; target < targets; target += 1) {
    const row = { message_id: messageId, target, alert_id: message.id, ended_at: null };
    await catalog
      .insertInto('alert_deliveries')
      .values({ ...row, body: JSON.stringify(message) })
      .onConflict((conflict) => conflict.columns(['message_id', 'target']).doNothing())
      .execute();
  }
}

/**
 * Takes the oldest message that is due, for `leaseSeconds`: whoever dies with it gives it back by that. No message overtakes an earlier one of its
 * alert, so that nobody hears of an end before the beginning.
 */
export async function claimDelivery(
  catalog: Kysely<CatalogTables>,
  leaseSeconds: number,
): Promise<WaitingDelivery | undefined> {
  const { rows } = await sql<{
    id: bigint;
    target: number;
    body: AlertMessage;
    attempts: number;
    created_at: Date;
  }>`
    update alert_deliveries
       set attempts = attempts + 1, next_try_at = now() + ${leaseSeconds} * interval '1 second'
     where id = (
       select d.id from alert_deliveries d
        where d.ended_at is null and d.next_try_at <= now()
          and not exists (
            select from alert_deliveries e
             where e.alert_id = d.alert_id and e.target = d.target and e.ended_at is null and e.id < d.id)
        order by d.id
        limit 1
        for update skip locked)
    returning id, target, body, attempts, created_at`.execute(catalog);
  const [row] = rows;
  if (row === undefined) return undefined;
  const { id, target, body: message, attempts, created_at: createdAt } = row;
  return { id, target, message, attempts, createdAt };
}

/** The webhook has it, or nobody will try again. */
export async function endDelivery(
  catalog: Kysely<CatalogTables>,
  id: bigint,
  delivered: boolean,
): Promise<void> {
  await sql`
    update alert_deliveries set ended_at = now(), delivered = ${delivered} where id = ${id}`.execute(
    catalog,
  );
}

export async function postponeDelivery(
  catalog: Kysely<CatalogTables>,
  id: bigint,
  waitMs: number,
): Promise<void> {
  await sql`
    update alert_deliveries set next_try_at = now() + ${waitMs} * interval '1 millisecond'
     where id = ${id}`.execute(catalog);
}

/** Forgets what ended long ago. */
export async function pruneDeliveries(catalog: Kysely<CatalogTables>): Promise<void> {
  await sql`delete from alert_deliveries where ended_at < now() - interval '7 days'`.execute(
    catalog,
  );
}
