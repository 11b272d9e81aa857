import type { PreflightCheck } from '@bunnydb/contracts';
import { quoteIdentifier } from '@bunnydb/pg-model';

/** A check that found nothing wrong. */
export function passed(name: string, detail: string): PreflightCheck {
  return { name, ok: true, detail, fix: '' };
}

/** A check that failed, with the exact statement or setting that mends it. */
export function failed(name: string, detail: string, fix: string): PreflightCheck {
  return { name, ok: false, detail, fix };
}

/** One finding about one table or wish. */
export interface Finding {
  readonly detail: string;
  readonly fix: string;
}

/** One check over many things: passed without findings, else all of them, so that they can be mended at one go. */
export function summarize(
  name: string,
  findings: readonly Finding[],
  detailWhenFine: string,
): PreflightCheck {
  if (findings.length === 0) return passed(name, detailWhenFine);
  const shown = findings.slice(0, FINDINGS_SHOWN_MAX);
  const more = findings.length - shown.length;
  const details = shown.map((finding) => finding.detail);
  // The same advice for many tables is given once; statements of many tables are given all.
  const fixes = [...new Set(shown.map((finding) => finding.fix))];
  return failed(
    name,
    [...details, ...(more > 0 ? [`and ${more} more`] : [])].join('; '),
    fixes.join('\n'),
  );
}

/** A role as SQL. */
export function roleName(user: string): string {
  return quoteIdentifier(user);
}

const FINDINGS_SHOWN_MAX = 50;
