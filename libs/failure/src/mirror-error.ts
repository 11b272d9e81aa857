import type { FailureKind } from './failure-kind.js';
import { policyOf } from './failure-policy.js';

/** Facts about a failure that may be shown and logged: names, counts, positions; never values of rows or secrets. */
export type FailureDetail = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** A fault of the world: a kind, a static description, owned detail, and the cause (which is never pasted into the message). */
export class MirrorError extends Error {
  readonly kind: FailureKind;
  readonly detail: FailureDetail;

  constructor(
    kind: FailureKind,
    description: string,
    options?: { detail?: FailureDetail; cause?: unknown },
  ) {
    super(description, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MirrorError';
    this.kind = kind;
    this.detail = options?.detail ?? {};
  }

  /** The same failure with more context, added by a caller who knows it (mirror, table, position). */
  withDetail(detail: FailureDetail): MirrorError {
    return new MirrorError(this.kind, this.message, {
      detail: { ...this.detail, ...detail },
      cause: this.cause,
    });
  }
}

/** A failure as it crosses a process: what `MirrorError` holds, with the operator's hint. */
export interface FailureReport {
  readonly kind: FailureKind;
  readonly message: string;
  readonly hint: string;
  readonly action: 'retry_timed' | 'retry_manual' | 'stop';
  readonly detail: FailureDetail;
}

/** Turns anything thrown into a report; what is not a `MirrorError` becomes `unexpected`, its text left out. */
export function reportOf(error: unknown): FailureReport {
  const failure =
    error instanceof MirrorError
      ? error
      : new MirrorError('unexpected', 'an unexpected error stopped the work', {
          detail: { error: error instanceof Error ? error.name : typeof error },
          cause: error,
        });
  const policy = policyOf(failure.kind);
  return {
    kind: failure.kind,
    message: failure.message,
    hint: policy.hint,
    action: policy.action,
    detail: failure.detail,
  };
}
