import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';

const LOG_BYTES_MAX = 16 * 1024 * 1024;
const TAIL_LINES = 15;

/** Opens a log file for appending; a large one is set aside first, so that logs stay bounded over many starts. */
export function openLog(path: string): number {
  if (existsSync(path) && statSync(path).size > LOG_BYTES_MAX) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

/** Calls `start` with the log's descriptor and closes our copy of it: the child holds its own. */
export function withLog<T>(path: string, start: (descriptor: number) => T): T {
  const descriptor = openLog(path);
  try {
    return start(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The last lines of a log, indented, for an error message. */
export function logTail(path: string): string {
  if (!existsSync(path)) return '  (no log)';
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines
    .slice(-TAIL_LINES)
    .map((line) => `  ${line}`)
    .join('\n');
}
