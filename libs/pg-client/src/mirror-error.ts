import { type FailureDetail, FailureKind, MirrorError } from '@bunnydb/failure';
import type { ServerRole } from './server-role.js';
import { kindOfSqlstate, unreachable } from './sqlstate-kind.js';

/** Who met the error, and what it knows about it: names, counts and positions, never values. */
export type ErrorContext = FailureDetail & { readonly role: ServerRole };

/**
 * Turns whatever a PostgreSQL session threw into a `MirrorError`. One that is a `MirrorError` already only gains the context.
 * The server's text is kept as the cause and never pasted, since it may hold values.
 */
export function toMirrorError(error: unknown, context: ErrorContext): MirrorError {
  if (error instanceof MirrorError) return error.withDetail(context);
  const kind = kindOf(error, context.role);
  return new MirrorError(kind, describe(kind, context.role), {
    detail: { ...context, ...factsOf(error) },
    cause: error,
  });
}

/** Whether an error came from the server (rather than from the socket or from us), and its SQLSTATE. */
export function sqlstateOf(error: unknown): string | undefined {
  const code = textField(error, 'code');
  // Only a server's error carries a severity; the codes of Node's errors can have five letters too (EPIPE).
  return code !== undefined && textField(error, 'severity') !== undefined ? code : undefined;
}

function kindOf(error: unknown, role: ServerRole): FailureKind {
  const sqlstate = sqlstateOf(error);
  const message = textField(error, 'message') ?? '';
  if (sqlstate !== undefined) {
    return kindOfSqlstate({ sqlstate, routine: textField(error, 'routine'), message }, role);
  }
  const code = textField(error, 'code') ?? '';
  if (isTlsFailure(code, message)) return FailureKind.TlsFailed;
  if (SOCKET_CODES.has(code) || CONNECTION_LOST.test(message)) return unreachable(role);
  if (AUTHENTICATION.test(message)) return FailureKind.AuthenticationFailed;
  return FailureKind.Unexpected;
}

/** Whether an attempt failed because of TLS itself. */
export function isTlsFailure(code: string, message: string): boolean {
  return TLS_CODE.test(code) || TLS_MESSAGE.test(message);
}

/** What an error says in identifiers only. */
function factsOf(error: unknown): FailureDetail {
  const facts: Record<string, string> = {};
  const sqlstate = sqlstateOf(error);
  const code = textField(error, 'code');
  if (sqlstate !== undefined) facts['sqlstate'] = sqlstate;
  else if (code !== undefined) facts['code'] = code;
  for (const name of ['schema', 'table', 'column', 'constraint', 'dataType']) {
    const value = textField(error, name);
    if (value !== undefined) facts[name === 'dataType' ? 'data_type' : name] = value;
  }
  const key = KEY_VIOLATIONS.has(sqlstate ?? '')
    ? KEY_COLUMNS.exec(textField(error, 'detail') ?? '')
    : null;
  if (key?.[1] !== undefined) facts['columns'] = key[1];
  return sqlstate === INSUFFICIENT_PRIVILEGE ? { ...facts, ...denialOf(error) } : facts;
}

/**
 * What a server says that its user may not. Only its own checks are read, which name objects: a function of a user's that raises the same SQLSTATE
 * may name anything. In another language than English nothing is found.
 */
function denialOf(error: unknown): FailureDetail {
  const routine = textField(error, 'routine') ?? '';
  const privilege = ROLE_CHECKS[routine];
  if (privilege !== undefined) return { privilege };
  if (!OBJECT_CHECKS.has(routine)) return {};
  const message = textField(error, 'message') ?? '';
  const owned = /^must be owner of (.+)$/.exec(message)?.[1];
  if (owned !== undefined) return { object: owned, privilege: 'ownership' };
  const denied = /^permission denied for (.+)$/.exec(message)?.[1];
  return denied === undefined ? {} : { object: denied };
}

/** Reads a text field of an error of unknown shape. */
function textField(error: unknown, name: string): string | undefined {
  if (typeof error !== 'object' || error === null || !(name in error)) return undefined;
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : undefined;
}

/** Names the side that it is about; a peer that is asked about has none. */
function describe(kind: FailureKind, role: ServerRole): string {
  const description = DESCRIPTIONS[kind] ?? 'an unexpected error';
  return role === 'peer' ? description : `the ${role}: ${description}`;
}

const DESCRIPTIONS: Readonly<Partial<Record<FailureKind, string>>> = {
  [FailureKind.SourceUnreachable]: 'the server cannot be reached or the connection was lost',
  [FailureKind.DestinationUnreachable]: 'the server cannot be reached or the connection was lost',
  [FailureKind.PeerUnreachable]: 'the server cannot be reached or the connection was lost',
  [FailureKind.DatabaseMissing]: 'the database does not exist',
  [FailureKind.ServerShuttingDown]: 'the server is stopping, starting, or ended the session',
  [FailureKind.AuthenticationFailed]: 'the server refused the user or the password',
  [FailureKind.TlsFailed]: 'a TLS connection could not be made as ssl_mode asks for',
  [FailureKind.PrivilegeMissing]: 'the user lacks a privilege',
  [FailureKind.WalLevelNotLogical]: 'wal_level is not logical',
  [FailureKind.SlotInUse]: 'the replication slot or another object is in use by another session',
  [FailureKind.SlotMissing]: 'the replication slot does not exist',
  [FailureKind.SlotInvalidated]: 'the replication slot can no longer be read',
  [FailureKind.SlotLimit]: 'no replication slot or walsender is free',
  [FailureKind.PublicationMissing]: 'the publication does not exist',
  [FailureKind.TableMissing]: 'a table or schema does not exist',
  [FailureKind.SchemaMismatch]: 'a column, type or function does not fit',
  [FailureKind.ConstraintViolated]: 'a constraint was violated',
  [FailureKind.ValueRejected]: 'a value was refused',
  [FailureKind.SerializationConflict]: 'a deadlock or a serialization conflict',
  [FailureKind.LockTimeout]: 'a lock was not granted in time',
  [FailureKind.StatementTimeout]: 'a statement was cancelled or ran out of time',
  [FailureKind.ReadOnly]: 'the server is read-only',
  [FailureKind.DiskFull]: 'the disk is full',
  [FailureKind.OutOfResources]: 'the server is out of memory, connections or other resources',
  [FailureKind.ProtocolViolation]: 'the server and BunnyDB misunderstood each other',
};

const INSUFFICIENT_PRIVILEGE = '42501';
/** C functions that check what a role may, and what they ask for. */
const ROLE_CHECKS: Readonly<Partial<Record<string, string>>> = {
  InitPostgres: 'REPLICATION',
  CheckSlotPermissions: 'REPLICATION',
  CheckMyDatabase: 'CONNECT',
};
/** C functions that check what may be done with an object. */
const OBJECT_CHECKS: ReadonlySet<string> = new Set(['aclcheck_error', 'aclcheck_error_col']);
/** Violations of a foreign, unique or excluding key: the detail of any other may begin with values. */
const KEY_VIOLATIONS = new Set(['23503', '23505', '23P01']);
/** How a server tells such a key, in any language: `(columns)=(values)`; only the first is taken. */
const KEY_COLUMNS = /\((.+?)\)=\(/;
const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'ENOENT',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
  'ERR_STREAM_PREMATURE_CLOSE',
]);
const CONNECTION_LOST =
  /^(Connection terminated|timeout expired|Client was closed|Client has encountered a connection error|connection was aborted)/;
const AUTHENTICATION = /^(SASL|Password must be a string|Unknown authenticationOk)/;
const TLS_CODE =
  /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/;
const TLS_MESSAGE =
  /^(The server does not support SSL connections|There was an error establishing an SSL connection|Client network socket disconnected before secure TLS)/;
