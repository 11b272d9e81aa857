import { FAILURE_POLICIES, type FailureAction } from '@bunnydb/failure';
import type { TextFile } from '../source-tree.js';
import type { Finding } from './finding.js';
import { markdownTable } from './markdown-table.js';

export const FAILURE_PAGE = 'docs/operations/failure-kinds.md';

const IN_WORDS: Readonly<Record<FailureAction, string>> = {
  retry_timed: 'waits and tries again',
  retry_manual: 'waits for `retry`',
  stop: 'stops for a decision',
};

/** The page of the operations guide, made from the policy table. */
export function failurePage(): string {
  const rows = Object.entries(FAILURE_POLICIES).map(
    ([kind, { action, hint }]) =>
      [`\`${kind}\``, IN_WORDS[action], hint.replaceAll('|', '\\|')] as const,
  );
  return [
    '# Failure kinds',
    '',
    'What `error_message`, the logs and the events of a mirror may name, what BunnyDB does about it, and what you can do.',
    'Made from `libs/failure/src/failure-policy.ts` by `npm run docs:write`; do not edit it here.',
    '',
    '- **waits and tries again**: exponential back-off with jitter, 1 s to 10 min; `POST /v1/mirrors/{name}/retry` ends the wait.',
    '- **waits for `retry`**: nothing would change by itself; mend the cause, then `retry`.',
    '- **stops for a decision**: going on could lose data, so a person must choose (a resync, a repair).',
    '',
    ...markdownTable([['Kind', 'BunnyDB', 'You'], ...rows]),
    '',
  ].join('\n');
}

/** The page in the repository is the one that the table would make now. */
export function checkFailurePage(files: readonly TextFile[]): Finding[] {
  const page = files.find(({ path }) => path === FAILURE_PAGE);
  return page?.text === failurePage()
    ? []
    : [{ check: 'generated-page', path: FAILURE_PAGE, message: 'is stale: npm run docs:write' }];
}
