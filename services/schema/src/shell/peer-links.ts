import type { MirrorSpec } from '@bunnydb/contracts';
import { type ServerRole, closeSession, connectClient, settingsOf } from '@bunnydb/pg-client';
import type pg from 'pg';
import type { OpenSecret } from './peer-session.js';

/** One session at either side of a mirror, opened when it is first needed and kept: what looks every few seconds must not log in every few seconds. */
export class PeerLinks {
  readonly #spec: MirrorSpec;
  readonly #openSecret: OpenSecret;
  readonly #signal: AbortSignal;
  readonly #clients = new Map<string, Promise<pg.Client>>();

  constructor(spec: MirrorSpec, openSecret: OpenSecret, signal: AbortSignal) {
    this.#spec = spec;
    this.#openSecret = openSecret;
    this.#signal = signal;
  }

  source(): Promise<pg.Client> {
    return this.#open('source');
  }

  destination(): Promise<pg.Client> {
    return this.#open('destination');
  }

  /** Closes both; the next use opens them anew. */
  async close(): Promise<void> {
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    for (const opening of clients) {
      const client = await opening.catch(() => undefined);
      if (client) await closeSession(client);
    }
  }

  #open(role: ServerRole & ('source' | 'destination')): Promise<pg.Client> {
    const known = this.#clients.get(role);
    if (known) return known;
    const settings = settingsOf(this.#spec[role], this.#openSecret, 'bunnydb schema');
    const opening = connectClient(settings, {
      role,
      signal: this.#signal,
      lockTimeoutMs: LOCK_TIMEOUT_MS,
    }).then((client) => {
      // A connection that breaks between two looks is noticed by the next one.
      client.on('error', () => this.#clients.delete(role));
      return client;
    });
    this.#clients.set(role, opening);
    opening.catch(() => this.#clients.delete(role));
    return opening;
  }
}

const LOCK_TIMEOUT_MS = 5_000;
