/** One thing that is not tidy. */
export interface Finding {
  /** Name of the check, as in `tools/excused.json`. */
  readonly check: string;
  readonly path: string;
  /** From 1; absent when the whole file is meant. */
  readonly line?: number;
  readonly message: string;
}

/** `path:line check: message`, the form that editors and terminals turn into a link. */
export function formatFinding(finding: Finding): string {
  const place = finding.line === undefined ? finding.path : `${finding.path}:${finding.line}`;
  return `${place} ${finding.check}: ${finding.message}`;
}
