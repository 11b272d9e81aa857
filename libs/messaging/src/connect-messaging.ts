import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, errors, type NatsConnection } from '@nats-io/transport-node';
import { API_TIMEOUT_MS, type NatsAddress, connectionOptionsOf } from './connection-options.js';
import { SILENT_LOG, type Log } from './log.js';
import type { Messaging } from './messaging.js';
import { toMessagingError } from './nats-failure.js';
import { NatsMessaging } from './nats-messaging.js';

const FIRST_CONNECT_WAIT_MS = 250;
const FIRST_CONNECT_WAIT_MAX_MS = 5_000;

export interface ConnectMessagingOptions extends NatsAddress {
  readonly log?: Log;
  /** Ends the wait for the first connection. */
  readonly signal?: AbortSignal;
  /** How long to try for the first connection; for ever by default. */
  readonly connectDeadlineMs?: number;
  readonly leaseTtlMs?: number;
  readonly replicas?: number;
}

/**
 * Connects to NATS and stays connected: the first connection is tried until it succeeds, a lost one comes back by itself.
 *
 * @throws MirrorError `messaging_unavailable` at the deadline or when the credentials are refused; `invalid_input` for a bad URL.
 */
export async function connectMessaging(options: ConnectMessagingOptions): Promise<Messaging> {
  const log = options.log ?? SILENT_LOG;
  const nc = await connectAtLast(options, log);
  const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: API_TIMEOUT_MS });
  return new NatsMessaging(nc, jsm, log, options.name, {
    leaseTtlMs: options.leaseTtlMs ?? 5_000,
    replicas: options.replicas ?? 1,
  });
}

async function connectAtLast(options: ConnectMessagingOptions, log: Log): Promise<NatsConnection> {
  const connection = connectionOptionsOf(options);
  const giveUpAt = Date.now() + (options.connectDeadlineMs ?? Number.POSITIVE_INFINITY);
  for (
    let waitMs = FIRST_CONNECT_WAIT_MS;
    ;
    waitMs = Math.min(waitMs * 2, FIRST_CONNECT_WAIT_MAX_MS)
  ) {
    try {
      return await connect(connection);
    } catch (error) {
      const refused = error instanceof errors.AuthorizationError;
      if (refused || options.signal?.aborted === true || Date.now() + waitMs > giveUpAt) {
        throw toMessagingError(error, { servers: serverNames(connection.servers) });
      }
      log.warn({ servers: serverNames(connection.servers) }, 'nats is out of reach, trying again');
    }
    await sleep(waitMs, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

function serverNames(servers: string | string[] | undefined): readonly string[] {
  return typeof servers === 'string' ? [servers] : (servers ?? []);
}
