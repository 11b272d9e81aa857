import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { until } from '@bunnydb/testkit';

const PROGRAM = fileURLToPath(new URL('fixture-service.mjs', import.meta.url));

export interface Line {
  readonly level: string;
  readonly msg: string;
  readonly [key: string]: unknown;
}

export interface SpawnedService {
  readonly child: ChildProcess;
  readonly lines: readonly Line[];
  readonly errors: () => string;
  readonly ended: Promise<number | null>;
}

type Environment = Readonly<Record<string, string>>;

/** Processes of the fixture service, for the tests of one file. */
export class SpawnedServices {
  readonly #services: SpawnedService[] = [];

  /** Ends all of them at once. */
  async killAll(): Promise<void> {
    for (const service of this.#services.splice(0)) {
      service.child.kill('SIGKILL');
      await service.ended;
    }
  }

  spawn(environment: Environment): SpawnedService {
    const child = spawn(process.execPath, ['--enable-source-maps', PROGRAM], {
      env: { PATH: process.env['PATH'], ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const lines: Line[] = [];
    let rest = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const parts = (rest + chunk.toString('utf8')).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts.map((part) => JSON.parse(part) as Line));
    });
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString('utf8')));
    const ended = once(child, 'exit').then(() => child.exitCode);
    const service = { child, lines, errors: () => errors, ended };
    this.#services.push(service);
    return service;
  }

  /** Spawns it and waits until it is ready. */
  async start(environment: Environment): Promise<SpawnedService> {
    const service = this.spawn(environment);
    await until(() => service.lines.some((line) => line.msg === 'ready'), {
      what: () =>
        `the service to be ready; it said ${JSON.stringify(service.lines)} ${service.errors()}`,
    });
    return service;
  }
}
