import { isRecord } from './api-client.js';

/** A failed check of the pre-flight. */
export interface FailedCheck {
  readonly side: 'source' | 'destination';
  readonly detail: string;
  /** Statements or advice, as the gateway gives them; empty when there is none. */
  readonly fix: string;
  /**
   * Those statements of the fix that are harmless: they make PostgreSQL log the whole old row of a table that has no key, so that
   * its updates and deletes can be followed, and change nothing else.
   */
  readonly identityStatements: readonly string[];
}

/** Only exactly this is ever run for the user; a name may hold any character in its quotes. */
const IDENTITY_STATEMENT =
  /^ALTER TABLE (?:"(?:[^"]|"")+"|[a-z_][a-z0-9_]*)\.(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_]*) REPLICA IDENTITY FULL;/gm;

/** Reads the answer of `POST /v1/mirrors/validate`. */
export function failedChecks(answer: unknown): FailedCheck[] {
  const checks =
    isRecord(answer) && Array.isArray(answer['checks']) ? answer['checks'].filter(isRecord) : [];
  return checks
    .filter((check) => check['ok'] === false)
    .map((check) => {
      const name = typeof check['name'] === 'string' ? check['name'] : '';
      const fix = typeof check['fix'] === 'string' ? check['fix'] : '';
      return {
        side: name.startsWith('destination_') ? 'destination' : 'source',
        detail: typeof check['detail'] === 'string' ? check['detail'] : name,
        fix,
        identityStatements:
          name === 'replica_identity' ? (fix.match(IDENTITY_STATEMENT) ?? []) : [],
      };
    });
}

/** What stands in the way, and what to do about it, ready to be pasted. */
export function failureWords(failed: readonly FailedCheck[]): string {
  const lines = ['The mirror cannot be made yet:', ''];
  lines.push(...failed.map(({ detail }) => `  - ${detail}`));
  for (const side of ['source', 'destination'] as const) {
    const fixes = failed.filter((check) => check.side === side && check.fix !== '');
    if (fixes.length === 0) continue;
    lines.push('', `To mend it, at the ${side}:`, '');
    lines.push(...fixes.flatMap(({ fix }) => fix.split('\n').map((line) => `  ${line}`)));
  }
  if (failed.some(({ identityStatements }) => identityStatements.length > 0)) {
    lines.push(
      '',
      'Start again with --fix, and the statements with REPLICA IDENTITY FULL are run for you.',
    );
  }
  return lines.join('\n');
}
