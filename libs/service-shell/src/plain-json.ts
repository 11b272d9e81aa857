import { MirrorError, reportOf } from '@bunnydb/failure';
import type {
  Deserializer,
  IncomingEvent,
  IncomingRequest,
  Serializer,
} from '@nestjs/microservices';
import type { Msg } from '@nats-io/transport-node';

/** What Nest knows about a message beside the message itself. */
export interface Route {
  readonly channel?: string;
  readonly replyTo?: string;
}

/**
 * Reads a request as plain JSON, without Nest's envelope, so that any NATS client can ask: `nats req bunny.schema.peer_tables '{…}'`.
 * Nest tells requests from events by an id; here the presence of a reply subject decides. An empty payload stands for `{}`.
 */
export class PlainJsonDeserializer implements Deserializer<Msg, IncomingRequest | IncomingEvent> {
  /** @throws MirrorError `invalid_input` when the payload is not JSON; the transport answers it. */
  deserialize(message: Msg, route: Route = {}): IncomingRequest | IncomingEvent {
    const pattern = route.channel ?? message.subject;
    const data = payloadOf(message);
    return route.replyTo === undefined || route.replyTo === ''
      ? { pattern, data }
      : { pattern, data, id: route.replyTo };
  }
}

/** What Nest hands over to be sent as a reply. */
export interface OutgoingReply {
  readonly response?: unknown;
  readonly err?: unknown;
}

export interface EncodedReply {
  readonly data: string;
}

/** Writes a reply as plain JSON: what the handler returned, or `{ok: false, failure}` for what it threw. */
export class PlainJsonSerializer implements Serializer<OutgoingReply, EncodedReply> {
  serialize(reply: OutgoingReply): EncodedReply {
    const failed = reply.err !== undefined && reply.err !== null;
    const body = failed
      ? { ok: false, failure: reportOf(reply.err) }
      : (reply.response ?? { ok: true });
    return { data: JSON.stringify(body) };
  }
}

function payloadOf(message: Msg): unknown {
  if (message.data.length === 0) {
    return {};
  }
  try {
    return message.json<unknown>();
  } catch {
    // The cause is left out: a syntax error quotes its input.
    throw new MirrorError('invalid_input', 'the request is not JSON', {
      detail: { subject: message.subject },
    });
  }
}
