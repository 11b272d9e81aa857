import { MirrorError } from '@bunnydb/failure';

/** An error as it is logged. */
export interface ErrorRecord {
  readonly name: string;
  readonly message?: string;
  readonly kind?: string;
  readonly detail?: unknown;
  readonly code?: string;
  readonly stack?: readonly string[];
  readonly cause?: ErrorRecord;
}

const FRAMES_MAX = 12;
const CAUSES_MAX = 4;
/** Errors of the language whose text names code, not data. A `SyntaxError` is not among them: `JSON.parse` quotes its input. */
const SPEAKING_NAMES = new Set(['TypeError', 'ReferenceError', 'RangeError']);

/**
 * Tells an error without values: PostgreSQL and JSON errors quote rows and input, so the text is kept only of a `MirrorError`
 * (static by contract), of system calls (address and port), and of the language's own errors.
 */
export function errorRecordOf(error: unknown, depth: number = 0): ErrorRecord {
  if (!(error instanceof Error)) {
    return { name: typeof error, ...(typeof error === 'string' ? { message: error } : {}) };
  }
  const speaks =
    error instanceof MirrorError || 'syscall' in error || SPEAKING_NAMES.has(error.name);
  return {
    name: error.name,
    ...(speaks ? { message: error.message } : {}),
    ...(error instanceof MirrorError ? { kind: error.kind, detail: error.detail } : {}),
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    ...framesOf(error),
    ...(error.cause === undefined || depth >= CAUSES_MAX
      ? {}
      : { cause: errorRecordOf(error.cause, depth + 1) }),
  };
}

/** The call sites only: the first lines of a stack repeat the message. */
function framesOf(error: Error): Pick<ErrorRecord, 'stack'> {
  const frames = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, FRAMES_MAX)
    .map((line) => line.trim());
  return frames.length === 0 ? {} : { stack: frames };
}
