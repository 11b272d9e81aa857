import { MirrorError, type FailureDetail, type FailureKind } from '@bunnydb/failure';
import { errors } from '@nats-io/transport-node';
import { JetStreamApiError } from '@nats-io/jetstream';

/** JetStream API error codes that mean something of their own; `server/errors.json` of nats-server names them all. */
const KIND_OF_API_CODE: ReadonlyMap<number, readonly [FailureKind, string]> = new Map([
  [10059, ['stream_lost', 'the stream does not exist']],
  [10014, ['stream_lost', 'the consumer does not exist']],
  [10037, ['stream_lost', 'the message is not in the stream any more']],
  [10071, ['stream_fenced', 'another writer has written to the stream']],
  [10164, ['stream_fenced', 'another writer has written to the stream']],
  [10077, ['stream_full', 'the stream has reached its limit']],
  [10023, ['out_of_resources', 'nats-server has not enough resources for the stream']],
  [10028, ['out_of_resources', 'nats-server has not enough memory for the stream']],
  [10047, ['disk_full', 'nats-server has no room to set aside for stream_max_bytes']],
  [10039, ['messaging_unavailable', 'JetStream is not enabled for this account']],
  [10076, ['messaging_unavailable', 'JetStream is not enabled; start nats-server with -js']],
  [10008, ['messaging_unavailable', 'JetStream is not available at the moment']],
  [10009, ['messaging_unavailable', 'JetStream has no leader at the moment']],
  [10054, ['value_rejected', 'a message is larger than the stream allows']],
]);

/** Turns what the NATS client throws into a `MirrorError`; a `MirrorError` only gains the detail. */
export function toMessagingError(error: unknown, detail: FailureDetail = {}): MirrorError {
  if (error instanceof MirrorError) {
    return error.withDetail(detail);
  }
  const [kind, description, own] = judge(error);
  return new MirrorError(kind, description, { detail: { ...own, ...detail }, cause: error });
}

/** True when the stream, bucket or consumer is gone and has to be made again. */
export function isMissingResource(error: unknown): boolean {
  return (
    (error instanceof JetStreamApiError && [10059, 10014].includes(error.code)) ||
    (error instanceof Error && /^(stream|consumer) not found$/.test(error.message))
  );
}

/**
 * True when nobody took a request. To a publisher this means that no stream has the subject (it was lost), or that JetStream is not
 * ready yet after a restart; the client calls both "jetstream is not enabled".
 */
export function isUnanswered(error: unknown): boolean {
  return (
    error instanceof errors.NoRespondersError ||
    (error instanceof errors.RequestError && error.isNoResponders()) ||
    (error instanceof Error && error.name === 'JetStreamNotEnabled')
  );
}

/** True when there is a consumer of the name with other settings. */
export function isOtherConsumer(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === 10148;
}

/** True when an expected sequence or revision was not met: somebody else wrote first. */
export function isWrongLastSequence(error: unknown): boolean {
  return error instanceof JetStreamApiError && [10071, 10164].includes(error.code);
}

/** True when the server lets the user not publish or subscribe to the subject. */
export function isRefusedSubject(error: unknown): boolean {
  return (
    error instanceof errors.PermissionViolationError ||
    (error instanceof Error && error.cause instanceof errors.PermissionViolationError)
  );
}

function judge(error: unknown): readonly [FailureKind, string, FailureDetail] {
  if (error instanceof JetStreamApiError) {
    const known = KIND_OF_API_CODE.get(error.code);
    return known === undefined
      ? ['messaging_unavailable', 'JetStream refused a request', { nats_code: error.code }]
      : [known[0], known[1], { nats_code: error.code }];
  }
  if (error instanceof Error && error.name === 'JetStreamNotEnabled') {
    return ['messaging_unavailable', 'no stream takes this subject, or JetStream is not on', {}];
  }
  if (isUnanswered(error)) {
    return ['messaging_unavailable', 'no service answers on this subject', {}];
  }
  if (error instanceof errors.TimeoutError || isTimeoutCause(error)) {
    return ['messaging_unavailable', 'no answer came in time', {}];
  }
  const refused = error instanceof Error ? (error.cause ?? error) : error;
  if (refused instanceof errors.PermissionViolationError) {
    return ['privilege_missing', 'NATS refused a subject', { subject: refused.subject }];
  }
  if (
    error instanceof errors.AuthorizationError ||
    error instanceof errors.UserAuthenticationExpiredError
  ) {
    return ['messaging_unavailable', 'NATS refused the login', {}];
  }
  const tlsCode = tlsCodeOf(error);
  if (tlsCode !== undefined) {
    return [
      'messaging_unavailable',
      'a TLS connection to NATS could not be made',
      { code: tlsCode },
    ];
  }
  if (
    error instanceof errors.ClosedConnectionError ||
    error instanceof errors.DrainingConnectionError ||
    error instanceof errors.ConnectionError
  ) {
    return ['messaging_unavailable', 'the connection to NATS is closed or refused', {}];
  }
  if (error instanceof errors.InvalidArgumentError && /payload/i.test(error.message)) {
    return ['value_rejected', "a message is larger than nats-server's max_payload", {}];
  }
  return [
    'messaging_unavailable',
    'NATS failed in an unexpected way',
    { error: error instanceof Error ? error.name : typeof error },
  ];
}

/** Node's code of a certificate that is not good, or of a handshake that failed; the client wraps it. */
function tlsCodeOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string' && TLS_CODE.test(cause.code)) {
      return cause.code;
    }
  }
  return undefined;
}

const TLS_CODE =
  /^(?:ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA)/;

function isTimeoutCause(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof errors.TimeoutError;
}
