import { setTimeout as sleep } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { backoffDelayMs } from '@bunnydb/failure';
import type { Pulse, ServiceLog } from '@bunnydb/service-shell';
import { ANSWER_MS, type AlertWebhook, postAlert } from '../alert-webhook.js';
import {
  type WaitingDelivery,
  claimDelivery,
  endDelivery,
  postponeDelivery,
  pruneDeliveries,
} from '../catalog/alert-deliveries.js';
import type { CatalogTables } from '../catalog/catalog-tables.js';

const POLL_MS = 1_000;
const LEASE_SECONDS = (2 * ANSWER_MS) / 1_000;
const RETRY = { firstDelayMs: 2_000, maxDelayMs: 600_000 };
/** What nobody took for a day is no news any more. */
const GIVE_UP_MS = 24 * 3_600_000;
const PRUNE_EVERY_MS = 3_600_000;

export interface DeliverOptions {
  readonly catalog: Kysely<CatalogTables>;
  readonly webhooks: readonly AlertWebhook[];
  readonly log: ServiceLog;
  readonly now: () => Date;
  readonly random: () => number;
  readonly pulse: Pulse | undefined;
  readonly signal: AbortSignal;
  /** Between two tries; the policy's own by default. */
  readonly retry?: { readonly firstDelayMs: number; readonly maxDelayMs: number };
}

/**
 * Posts alert messages to the webhooks, until the signal aborts: one after another, each until it was taken, with longer and longer waits. A
 * message may come twice (a crash between the answer and the note of it); its id tells.
 */
export async function deliverAlerts(options: DeliverOptions): Promise<void> {
  const { catalog, log, now, pulse, signal } = options;
  let prunedAtMs = 0;
  while (!signal.aborted) {
    pulse?.beat();
    try {
      const delivery = await claimDelivery(catalog, LEASE_SECONDS);
      if (delivery) {
        await deliver(options, delivery);
        continue;
      }
      if (now().getTime() - prunedAtMs > PRUNE_EVERY_MS) {
        prunedAtMs = now().getTime();
        await pruneDeliveries(catalog);
      }
    } catch (error) {
      if (!signal.aborted) log.error({ error }, 'alert messages could not be looked for');
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function deliver(options: DeliverOptions, delivery: WaitingDelivery): Promise<void> {
  const { catalog, webhooks, log, now, random, signal, retry = RETRY } = options;
  const { id, target, message, attempts, createdAt } = delivery;
  const fields = { mirror: message.mirror_id, condition: message.condition, state: message.state };
  const webhook = webhooks[target];
  // Fewer webhooks are set than when it was raised.
  if (webhook === undefined) return endDelivery(catalog, id, false);
  const answer = await postAlert(webhook, message, signal);
  if (answer.ok) {
    log.info({ ...fields, attempts }, 'an alert was delivered');
    return endDelivery(catalog, id, true);
  }
  if (signal.aborted) return postponeDelivery(catalog, id, 0);
  const { reason } = answer;
  if (now().getTime() - createdAt.getTime() > GIVE_UP_MS) {
    log.error({ ...fields, attempts, reason }, 'an alert was given up: the webhook took it not');
    return endDelivery(catalog, id, false);
  }
  log.warn({ ...fields, attempts, reason }, 'the webhook did not take an alert, trying again');
  return postponeDelivery(catalog, id, backoffDelayMs(attempts, random(), retry));
}
