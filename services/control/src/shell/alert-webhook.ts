import type { Secret } from '@bunnydb/service-shell';
import type { AlertMessage } from '../core/alert/alert-message.js';

export interface AlertWebhook {
  readonly url: string;
  /** Sent as a bearer token, where there is one. */
  readonly secret: Secret | undefined;
}

/** How a try went; in words without the address, which may hold a token. */
export type WebhookAnswer = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Posts a message. Any answer of the 200s means that it was taken. */
export async function postAlert(
  webhook: AlertWebhook,
  message: AlertMessage,
  signal: AbortSignal,
): Promise<WebhookAnswer> {
  const { url, secret } = webhook;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'bunnydb',
        // The same for each try, so that a receiver can tell a repeated one.
        'idempotency-key': `${message.id}:${message.state}`,
        ...(secret === undefined ? {} : { authorization: `Bearer ${secret.reveal()}` }),
      },
      body: JSON.stringify(message),
      // The secret is for this address only.
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    });
    await response.body?.cancel();
    return response.ok ? { ok: true } : { ok: false, reason: `it answered ${response.status}` };
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown';
    return {
      ok: false,
      reason: name === 'TimeoutError' ? 'it did not answer' : 'it is out of reach',
    };
  }
}

export const ANSWER_MS = 10_000;
