import type {
  CreatePeerRequest,
  PeerTable,
  PeerTablesReply,
  PeerTestReply,
  UpdatePeerRequest,
} from '@bunnydb/contracts';
import { Query } from '@bunnydb/contracts';
import type { EventMetadata } from '@bunnydb/event-store';
import type { Messaging } from '@bunnydb/messaging';
import type { Keyring } from '@bunnydb/secrets';
import { mirrorStream, peerStream } from '../core/control-event.js';
import type { Refusal } from '../core/decision.js';
import type { ControlStore } from './catalog/control-store.js';
import { readMirrorsOfPeer } from './catalog/read-mirrors.js';
import { type PeerRow, readPeer, readPeers } from './catalog/read-peers.js';
import { Problem, refusalProblem } from './http/problem.js';
import { changedConnection, newConnection } from './peer-connection-of.js';

const REQUEST_TIMEOUT_MS = 30_000;
const ATTEMPTS_MAX = 5;

/** A peer as people see it: no secret, only whether there is one. */
export type PeerObject = ReturnType<typeof peerObject>;

/** What can be done with peers. Servers are looked at through the schema service; control opens none. */
export class PeerDesk {
  readonly #store: ControlStore;
  readonly #messaging: Messaging;
  readonly #keyring: Keyring;
  readonly #newPeerId: () => string;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: {
    readonly store: ControlStore;
    readonly messaging: Messaging;
    readonly keyring: Keyring;
    readonly newPeerId: () => string;
  }) {
    this.#store = options.store;
    this.#messaging = options.messaging;
    this.#keyring = options.keyring;
    this.#newPeerId = options.newPeerId;
  }

  async list(): Promise<readonly PeerObject[]> {
    return (await readPeers(this.#store.catalog)).map(peerObject);
  }

  async show(name: string): Promise<PeerObject> {
    return peerObject(await this.#find(name));
  }

  async create(request: CreatePeerRequest, metadata: EventMetadata): Promise<PeerObject> {
    const connection = newConnection(request, this.#keyring);
    const id = this.#newPeerId();
    const result = await this.#store.peers.handle(
      peerStream(id),
      { type: 'create', id, connection },
      { metadata, check: (tx) => nameTaken(readPeer(tx, request.name), request.name) },
    );
    if (result.tag === 'refused') throw refusalProblem(result.refusal);
    return this.show(request.name);
  }

  /** Changes a peer and, in the same transaction, tells every mirror that uses it, so that its sessions connect anew. */
  async change(
    name: string,
    request: UpdatePeerRequest,
    metadata: EventMetadata,
  ): Promise<PeerObject> {
    // One after another, so that changes from here do not keep each other from getting through.
    const mine = this.#turn.then(() => this.#changeNow(name, request, metadata));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #changeNow(
    name: string,
    request: UpdatePeerRequest,
    metadata: EventMetadata,
  ): Promise<PeerObject> {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
      const row = await this.#find(name);
      const connection = changedConnection(row.connection, request, this.#keyring);
      const prepared = await this.#store.peers.prepare(
        peerStream(row.peer_id),
        { type: 'change', connection },
        { metadata },
      );
      if (prepared.tag === 'refused') throw refusalProblem(prepared.refusal);
      const followers = [];
      for (const mirror of await readMirrorsOfPeer(this.#store.catalog, name)) {
        const told = await this.#store.mirrors.prepare(
          mirrorStream(mirror.mirror_id),
          { type: 'note_peer_changed', peer: name },
          { metadata },
        );
        // A mirror that is gone by now needs to be told nothing.
        if (told.tag === 'prepared') followers.push(told);
      }
      const result = await this.#store.events.append({
        streams: [prepared.append, ...followers.map((follower) => follower.append)],
        outbox: followers.flatMap((follower) => follower.outbox),
      });
      if (result.tag === 'appended') return this.show(name);
    }
    throw new Problem(503, 'the peer or its mirrors are changing right now', {
      retryAfterSeconds: 1,
    });
  }

  async delete(name: string, metadata: EventMetadata): Promise<{ readonly deleted: string }> {
    const row = await this.#find(name);
    const result = await this.#store.peers.handle(
      peerStream(row.peer_id),
      { type: 'delete' },
      {
        metadata,
        check: async (tx): Promise<Refusal | undefined> => {
          const users = await readMirrorsOfPeer(tx, name);
          if (users.length === 0) return undefined;
          const names = users.map((mirror) => mirror.name).join(', ');
          const detail = `the peer is used by ${names}; delete these mirrors first`;
          return { reason: 'conflict', detail };
        },
      },
    );
    if (result.tag === 'refused') throw refusalProblem(result.refusal);
    return { deleted: name };
  }

  /** Tries to connect, and says what the server is like. */
  async test(name: string) {
    const { connection } = await this.#find(name);
    const reply = await this.#messaging.request<PeerTestReply>(
      Query.SchemaPeerTest,
      { peer: connection },
      { timeoutMs: REQUEST_TIMEOUT_MS },
    );
    if (!reply.ok) {
      const { message, hint, kind, detail } = reply.failure;
      return { success: false as const, error: message, hint, kind, detail };
    }
    const { ok: _, ...found } = reply;
    return { success: true as const, ...found };
  }

  /** The tables on the server. */
  async tables(name: string): Promise<readonly PeerTable[]> {
    const { connection } = await this.#find(name);
    const reply = await this.#messaging.request<PeerTablesReply>(
      Query.SchemaPeerTables,
      { peer: connection },
      { timeoutMs: REQUEST_TIMEOUT_MS },
    );
    if (reply.ok) return reply.tables;
    const { message, hint } = reply.failure;
    throw new Problem(503, `${message}: ${hint}`, { retryAfterSeconds: 10 });
  }

  async #find(name: string): Promise<PeerRow> {
    const row = await readPeer(this.#store.catalog, name);
    if (!row) throw new Problem(404, `there is no peer ${name}`);
    return row;
  }
}

/** Refuses a name that something has already. */
export async function nameTaken(
  found: Promise<object | undefined>,
  name: string,
): Promise<Refusal | undefined> {
  return (await found) === undefined
    ? undefined
    : { reason: 'conflict', detail: `the name ${name} is taken; choose another` };
}

function peerObject(row: PeerRow) {
  const { connection } = row;
  return {
    name: row.name,
    host: connection.host,
    port: connection.port,
    user: connection.user,
    database: connection.database,
    ssl_mode: connection.ssl_mode,
    has_password: connection.password !== undefined,
    has_ssl_root_cert: connection.ssl_root_cert !== undefined,
    has_ssl_cert: connection.ssl_cert !== undefined,
    has_ssl_key: connection.ssl_key !== undefined,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}
