import type { FailureDetail, FailureReport } from './mirror-error.js';

/**
 * A failure in one sentence, with the names that its detail knows:
 * `the destination: a constraint was violated (table public.orders, constraint orders_pkey)`. Where the detail knows reasons, or the SQL that mends
 * it, they follow.
 */
export function describeFailure({
  message,
  detail,
}: Pick<FailureReport, 'message' | 'detail'>): string {
  const names = NAMES.flatMap((name) => {
    const value = valueOf(name, detail);
    return value === undefined || value === '' ? [] : [`${name.replaceAll('_', ' ')} ${value}`];
  });
  const all = [...serverOf(detail), ...names];
  const sentence = all.length === 0 ? message : `${message} (${all.join(', ')})`;
  const explained = `${sentence}${reasonsOf(detail)}`;
  return typeof detail['fix'] === 'string' ? `${explained}; fix: ${detail['fix']}` : explained;
}

function reasonsOf({ reasons }: FailureDetail): string {
  if (!Array.isArray(reasons) || reasons.length === 0) return '';
  const more = reasons.length - LISTED_MAX;
  const listed = [...reasons.slice(0, LISTED_MAX), ...(more > 0 ? [`${more} more`] : [])];
  return `: ${listed.join('; ')}`;
}

/** The server that was asked, where a connection failed. */
function serverOf({ host, port, database, user }: FailureDetail): readonly string[] {
  if (host === undefined || port === undefined) return [];
  return [
    `server ${String(host)}:${String(port)}`,
    ...(database === undefined ? [] : [`database ${String(database)}`]),
    ...(user === undefined ? [] : [`user ${String(user)}`]),
  ];
}

function valueOf(name: string, detail: FailureDetail): string | undefined {
  const value = detail[name];
  if (value === undefined) return undefined;
  const text = Array.isArray(value) ? value.slice(0, LISTED_MAX).join(', ') : String(value);
  // A server tells schema and table apart; everybody else gives the whole name.
  const { schema } = detail;
  return name === 'table' && typeof schema === 'string' && !text.includes('.')
    ? `${schema}.${text}`
    : text;
}

/** What helps to find the place, in the order of reading. Codes stay in the detail. */
const NAMES = [
  'table',
  'destination_table',
  'column',
  'missing_columns',
  'constraint',
  'columns',
  'slot',
  'publication',
  'object',
  'privilege',
  'commit_lsn',
] as const;
const LISTED_MAX = 10;
