import type { KV } from '@nats-io/kv';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Log } from './log.js';

export interface RequestOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface SubscribeOptions {
  /** Members of a queue share the messages; without one, everybody gets each. */
  readonly queue?: string;
}

/** Stops a subscription or a listener; safe to call twice. */
export type Stop = () => void;

/** What every process agrees on about the control streams. */
export interface MessagingSettings {
  /** A lease that is not renewed for this long is free again. */
  readonly leaseTtlMs: number;
  /** Copies that a NATS cluster keeps of each control stream. */
  readonly replicas: number;
}

/** The connection to NATS as the services use it: JSON in, JSON out, failures as `MirrorError`. */
export interface Messaging {
  readonly name: string;
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly log: Log;
  readonly settings: MessagingSettings;
  /** False while the connection is lost. */
  readonly connected: boolean;
  /** Settles when the connection is closed for good, with the error if it was not wanted. */
  readonly closed: Promise<void | Error>;
  /** Sends a request and waits for its reply. @throws MirrorError `messaging_unavailable`, also when the connection is lost meanwhile. */
  request<Answer>(subject: string, body: unknown, options: RequestOptions): Promise<Answer>;
  /** Publishes without an acknowledgement. While the connection is lost the message is dropped: it is never needed later. */
  publishJson(subject: string, body: unknown): void;
  /** Listens; a message that is not JSON, or a handler that fails, is logged and never fatal. */
  subscribeJson<Body>(
    subject: string,
    handler: (body: Body, subject: string) => void | Promise<void>,
    options?: SubscribeOptions,
  ): Stop;
  /** Answers requests; what the handler throws is answered as `{ok: false, failure}`. */
  respondJson<Request, Answer>(
    subject: string,
    handler: (request: Request, subject: string) => Answer | Promise<Answer>,
    options?: SubscribeOptions,
  ): Stop;
  /** Calls back after each reconnect: what was in flight may be lost and streams may have been set back. */
  onReconnect(listener: () => void): Stop;
  /** A key-value bucket by name; it has to exist. */
  bucket(name: string): Promise<KV>;
  /** Drains what is in flight and closes, at most `deadlineMs`. */
  close(deadlineMs?: number): Promise<void>;
}
