import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { repositoryRoot } from '@bunnydb/testkit';

export interface ProgramEnd {
  readonly code: number;
  /** What it wrote, in both ways. */
  readonly output: string;
}

const TIMEOUT_MS = 60_000;

/** Runs a built program to its end; its environment is what is given, and PATH. */
export function runProgram(
  path: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<ProgramEnd> {
  const env = { PATH: process.env['PATH'] ?? '', ...environment };
  const args = [join(repositoryRoot(), path), ...words];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env, timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, output: stdout + stderr });
    });
  });
}
