import type { ChildProcess } from 'node:child_process';

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Settles when the child has ended; a child that could not be started at all counts as ended with code 127. */
export function exitOf(child: ChildProcess): Promise<ChildExit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: 127, signal: null }));
  });
}

/** How a process ended, in words. */
export function describeExit({ code, signal }: ChildExit): string {
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}

/** Sends `signal`, and SIGKILL when the child has not ended in time. */
export async function endChild(
  child: ChildProcess,
  exited: Promise<ChildExit>,
  signal: NodeJS.Signals,
  timeoutMs: number,
): Promise<ChildExit> {
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  try {
    return await exited;
  } finally {
    clearTimeout(timer);
  }
}
