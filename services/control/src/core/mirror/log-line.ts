import type { FailureReport } from '@bunnydb/failure';
import { describeFailure } from '@bunnydb/failure';

export const LOG_LEVELS = ['info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_CATEGORIES = [
  'setup',
  'snapshot',
  'replication',
  'schema',
  'resync',
  'error',
  'user',
] as const;
export type LogCategory = (typeof LOG_CATEGORIES)[number];

/** One line of a mirror's log, for people. Details are names, counts and positions, never values. */
export interface LogLine {
  readonly level: LogLevel;
  readonly category: LogCategory;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** A line of the log is for people. */
export const LISTED_MAX = 50;

export function info(
  category: LogCategory,
  message: string,
  details: LogLine['details'] = {},
): LogLine {
  return { level: 'info', category, message, details };
}

export function warn(
  category: LogCategory,
  message: string,
  details: LogLine['details'] = {},
): LogLine {
  return { level: 'warn', category, message, details };
}

/** A failure in one sentence, with what to do among the details. */
export function failed(failure: FailureReport, details: LogLine['details'], prefix = ''): LogLine {
  const { kind, hint } = failure;
  const message = `${prefix}${describeFailure(failure)}`;
  return { level: 'error', category: 'error', message, details: { ...details, kind, hint } };
}
