import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Client, Connection } from 'pg';

/**
 * What a splice needs of `pg`'s insides: the connection's socket and the key to cancel the backend. Read in this one place,
 * with a check, since `pg` does not declare them.
 */
export interface RawSession {
  readonly connection: CopyConnection;
  readonly socket: Duplex;
  readonly host: string;
  readonly port: number;
  readonly processId: number | undefined;
  readonly secretKey: number | undefined;
}

/** `pg` sends CopyFail by a method that its types leave out. */
export type CopyConnection = Connection & { sendCopyFail(reason: string): void };

/** @throws TypeError when the client is not connected or `pg` has changed inside. */
export function rawSessionOf(client: Client): RawSession {
  const inside = client as unknown as Record<string, unknown>;
  const connection = inside['connection'] as (CopyConnection & { stream?: unknown }) | undefined;
  const socket = connection?.stream;
  if (connection === undefined || socket === undefined || typeof socket.write !== 'function') {
    throw new TypeError('the pg client has no connected socket');
  }
  return {
    connection,
    socket,
    host: client.host,
    port: client.port,
    processId: asNumber(inside['processID']),
    secretKey: asNumber(inside['secretKey']),
  };
}

/**
 * Ends a session at once, whatever it does: asks the server to cancel its statement, which frees a backend that waits for a lock
 * or computes, and closes the socket, which frees one that waits for data. Never throws; the server's answer is not awaited.
 */
export function killSession(client: Client): void {
  // The client reports its own death as an error event, which would end the process if nobody listened.
  client.on('error', () => undefined);
  const session = rawSessionOf(client);
  requestCancel(session);
  session.socket.destroy();
}

/** Says goodbye to the server and waits until the socket is closed; a server that does not answer is not waited for. Never throws. */
export async function closeSession(client: Client): Promise<void> {
  client.on('error', () => undefined);
  const { socket } = rawSessionOf(client);
  const timer = setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS);
  try {
    await client.end();
  } catch {
    socket.destroy();
  } finally {
    clearTimeout(timer);
  }
}

/** Sends a CancelRequest on a connection of its own; the protocol has no answer to it. */
function requestCancel({ host, port, processId, secretKey }: RawSession): void {
  if (processId === undefined || secretKey === undefined) return;
  const request = Buffer.alloc(16);
  request.writeInt32BE(16, 0);
  request.writeInt32BE(CANCEL_REQUEST_CODE, 4);
  request.writeInt32BE(processId, 8);
  request.writeInt32BE(secretKey, 12);
  const socket = host.startsWith('/')
    ? connect(`${host}/.s.PGSQL.${port}`)
    : connect({ host, port });
  socket.setTimeout(CANCEL_TIMEOUT_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('connect', () => socket.end(request));
  socket.resume();
  socket.unref();
}

const CANCEL_REQUEST_CODE = (1234 << 16) | 5678;
const CANCEL_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 2_000;

function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
