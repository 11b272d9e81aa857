import type { PreflightCheck } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import type { Refusal } from '../../core/decision.js';
import type { FieldError, Parsed } from '../../core/request/field-error.js';

/** Titles of the statuses that the gateway answers with. */
export const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
};

export interface ProblemExtras {
  readonly fields?: readonly FieldError[];
  readonly checks?: readonly PreflightCheck[];
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** An answer that is not a success; the filter turns it into `application/problem+json`. */
export class Problem extends Error {
  readonly status: number;
  readonly extras: ProblemExtras;

  constructor(status: number, detail: string, extras: ProblemExtras = {}) {
    super(detail, extras.cause === undefined ? undefined : { cause: extras.cause });
    this.name = 'Problem';
    this.status = status;
    this.extras = extras;
  }
}

/** 400 with the fields that are wrong, as many as anybody reads. */
export function invalidRequest(fields: readonly FieldError[]): Problem {
  const [first] = fields;
  const more = fields.length > 1 ? ` (and ${fields.length - 1} more)` : '';
  const where = first?.path ? `${first.path}: ` : '';
  return new Problem(400, `${where}${first?.message ?? 'the request is not valid'}${more}`, {
    fields: fields.slice(0, FIELDS_MAX),
  });
}

const FIELDS_MAX = 100;

/** The value, or 400 with what is wrong. */
export function valueOrProblem<Value>(result: Parsed<Value>): Value {
  if (result.tag === 'invalid') throw invalidRequest(result.fields);
  return result.value;
}

/** What a decider refused, as a status. */
export function refusalProblem(refusal: Refusal): Problem {
  const status = { not_found: 404, conflict: 409, invalid: 400 }[refusal.reason];
  return new Problem(status, refusal.detail);
}

const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ETIMEDOUT',
  'EPIPE',
  '57P01',
  '57P02',
  '57P03',
  '08006',
  '08003',
  '53300',
]);

/** Anything thrown, as a problem. What is not expected becomes 500 and tells nothing of its inside. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof MirrorError && error.kind === 'messaging_unavailable') {
    return new Problem(503, 'a service that is needed for this does not answer', {
      retryAfterSeconds: 5,
      cause: error,
    });
  }
  const status = httpStatusOf(error);
  if (status !== undefined) return new Problem(status, clientDetail(status), { cause: error });
  const trouble = catalogTrouble(error);
  if (trouble !== undefined) {
    return new Problem(503, trouble, { retryAfterSeconds: 5, cause: error });
  }
  return new Problem(500, 'something unexpected went wrong; the log has it under the request id', {
    cause: error,
  });
}

/** The status of what Express or Nest refuse before a handler runs; undefined for any other error. */
function httpStatusOf(error: unknown): number | undefined {
  if (error instanceof URIError) return 400;
  if (typeof error !== 'object' || error === null) return undefined;
  const status: unknown =
    'getStatus' in error && typeof error.getStatus === 'function'
      ? error.getStatus()
      : 'status' in error
        ? error.status
        : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}

function clientDetail(status: number): string {
  switch (status) {
    case 404:
      return 'there is nothing at this address';
    case 413:
      return 'the body is larger than 1 MiB';
    case 415:
      return 'the body is in an encoding that is not supported';
    default:
      return 'the request cannot be read: its body must be JSON, its address percent-encoded';
  }
}

/** What keeps the catalog, the only PostgreSQL that the gateway itself talks to, from doing its part; undefined for any other error. */
function catalogTrouble(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') {
    return CONNECTION_CODES.has(error.code) ? NO_ANSWER : CATALOG_REFUSALS.get(error.code);
  }
  return /Connection terminated|timeout exceeded when trying to connect/.test(error.message)
    ? NO_ANSWER
    : undefined;
}

const NO_ANSWER = 'the catalog does not answer';
/** By SQLSTATE. */
const CATALOG_REFUSALS: ReadonlyMap<string, string> = new Map([
  ['53100', 'the disk of the catalog is full, nothing was changed: make room there, and ask again'],
  ['25006', 'the catalog is read-only, nothing was changed: let control talk to its primary'],
]);
