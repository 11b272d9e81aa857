import type { FailureKind } from '@bunnydb/failure';
import type { Msg } from '@nats-io/transport-node';

export type PublishAnswer =
  | { readonly tag: 'stored'; readonly sequence: number }
  | { readonly tag: 'refused'; readonly kind: FailureKind; readonly description: string };

/** Reads JetStream's answer to a publish. */
export function parseAnswer(message: Msg): PublishAnswer {
  if (message.headers?.code === NO_RESPONDERS) {
    return refused('stream_lost', 'no stream takes the messages of this mirror');
  }
  const body = bodyOf(message);
  const sequence = Reflect.get(body, 'seq');
  const error: unknown = Reflect.get(body, 'error');
  if (typeof error !== 'object' || error === null) {
    if (typeof sequence === 'number') return { tag: 'stored', sequence };
    return refused('protocol_violation', 'JetStream answered a publish with something unknown');
  }
  return refusal(Number(Reflect.get(error, 'err_code')));
}

function refusal(code: number): PublishAnswer {
  switch (code) {
    case WRONG_LAST_ID:
    case WRONG_LAST_SEQUENCE:
    case WRONG_LAST_SEQUENCE_CONSTANT:
      return refused('stream_fenced', 'another writer has written to the change stream');
    case STORE_FAILED:
      return refused('stream_full', 'the change stream has reached its limit');
    case INSUFFICIENT_RESOURCES:
    case STORAGE_EXCEEDED:
      return refused('disk_full', 'nats-server has not enough storage left for the change stream');
    case MESSAGE_TOO_LARGE:
      return refused('value_rejected', 'a message is larger than the change stream allows');
    default:
      return refused('messaging_unavailable', 'JetStream refused a message');
  }
}

function refused(kind: FailureKind, description: string): PublishAnswer {
  return { tag: 'refused', kind, description };
}

function bodyOf(message: Msg): object {
  try {
    const body: unknown = message.json();
    return typeof body === 'object' && body !== null ? body : {};
  } catch {
    return {};
  }
}

const NO_RESPONDERS = 503;
const WRONG_LAST_ID = 10070;
const WRONG_LAST_SEQUENCE = 10071;
const WRONG_LAST_SEQUENCE_CONSTANT = 10164;
const STORE_FAILED = 10077;
const INSUFFICIENT_RESOURCES = 10023;
const STORAGE_EXCEEDED = 10047;
const MESSAGE_TOO_LARGE = 10054;
