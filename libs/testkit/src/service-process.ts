import { type ChildProcess, spawn } from 'node:child_process';
import { type WriteStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type ChildExit, describeExit, endChild, exitOf } from './child-exit.js';
import { endWithParent } from './guardian.js';
import { repositoryRoot } from './repository-root.js';
import { until } from './until.js';

export type ServiceProgram = 'capture' | 'apply' | 'schema' | 'control' | 'ui';

export interface ServiceOptions {
  /** Appends everything that the service prints to this file as well. */
  readonly logFile?: string;
}

const LINES_MAX = 20_000;
const STOP_TIMEOUT_MS = 20_000;
/** All that a service inherits; its configuration is given in full by the caller. */
const INHERITED = ['PATH', 'HOME', 'TZ', 'LANG', 'TMPDIR', 'NODE_OPTIONS', 'NODE_V8_COVERAGE'];

/** Starts a built service as a process of its own. */
export function startService(
  name: ServiceProgram,
  env: Readonly<Record<string, string>>,
  options: ServiceOptions = {},
): ServiceProcess {
  const inherited = Object.fromEntries(
    INHERITED.flatMap((key) => (process.env[key] === undefined ? [] : [[key, process.env[key]]])),
  );
  const program = join(repositoryRoot(), 'services', name, 'dist', 'main.js');
  const child = spawn(process.execPath, ['--enable-source-maps', program], {
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A session of its own: Ctrl-C must reach us first, so that the processes stop in order.
    detached: true,
  });
  endWithParent(child, 'SIGTERM');
  return new ServiceProcess(name, child, options);
}

/** A service that runs as a child of this process. */
export class ServiceProcess {
  readonly name: ServiceProgram;
  readonly exited: Promise<ChildExit>;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #file: WriteStream | undefined;
  #exit: ChildExit | undefined;

  constructor(name: ServiceProgram, child: ChildProcess, options: ServiceOptions) {
    this.name = name;
    this.#child = child;
    this.#file =
      options.logFile === undefined
        ? undefined
        : createWriteStream(options.logFile, { flags: 'a', mode: 0o600 });
    this.exited = exitOf(child);
    void this.exited.then((exit) => {
      this.#exit = exit;
      this.#file?.end();
    });
    for (const output of [child.stdout, child.stderr]) {
      if (output !== null)
        createInterface({ input: output }).on('line', (line) => this.#keep(line));
    }
  }

  #keep(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > LINES_MAX) this.#lines.splice(0, LINES_MAX / 10);
    if (this.#exit === undefined) this.#file?.write(`${line}\n`);
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.name} could not be started`);
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#exit === undefined;
  }

  /** What it has printed, oldest first, up to a bound. */
  lines(): readonly string[] {
    return this.#lines;
  }

  /** The last lines, for the message of a failed test. */
  tail(count = 20): string {
    return this.#lines.slice(-count).join('\n');
  }

  /**
   * Waits for a line of the log. Lines that are there already count, unless `after` (a length of `lines()` taken earlier) leaves them out.
   */
  async waitForLog(
    pattern: RegExp | string,
    options: { readonly timeoutMs?: number; readonly after?: number } = {},
  ): Promise<string> {
    const matches = (line: string): boolean =>
      typeof pattern === 'string' ? line.includes(pattern) : pattern.test(line);
    return until(
      () => {
        const line = this.#lines.slice(options.after ?? 0).find(matches);
        if (line === undefined && this.#exit !== undefined) {
          throw new Error(
            `${this.name} ended (${describeExit(this.#exit)}) before it logged ${pattern}:\n${this.tail()}`,
          );
        }
        return line;
      },
      {
        timeoutMs: options.timeoutMs ?? 30_000,
        what: () => `${this.name} to log ${pattern}; its last lines:\n${this.tail()}`,
      },
    ).then((line) => line ?? '');
  }

  /** Sends a signal and waits for the end. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<ChildExit> {
    return endChild(this.#child, this.exited, signal, STOP_TIMEOUT_MS);
  }

  /** Stops it as an operator would: SIGTERM, and SIGKILL if it does not end in time. */
  stop(): Promise<ChildExit> {
    return this.kill('SIGTERM');
  }

  /** Holds it as a machine that hangs would; `resume` lets it go on. */
  suspend(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }
}
