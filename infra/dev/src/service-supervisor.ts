import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ServiceProcess, type ServiceProgram, startService } from '@bunnydb/testkit';
import type { Screen } from './screen.js';

const FIRST_DELAY_MS = 1_000;
const DELAY_MAX_MS = 30_000;
/** A service that ran this long has not failed at its start, so the delay begins anew. */
const HEALTHY_AFTER_MS = 60_000;

export interface SupervisorOptions {
  readonly screen: Screen;
  readonly environmentOf: (service: ServiceProgram) => Readonly<Record<string, string>>;
  readonly logFolder: string;
}

/** Runs the services as child processes and starts one again when it dies. */
export class ServiceSupervisor {
  readonly #options: SupervisorOptions;
  readonly #running = new Map<ServiceProgram, ServiceProcess>();
  readonly #stopping = new AbortController();

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  start(name: ServiceProgram): void {
    this.#spawn(name, FIRST_DELAY_MS);
  }

  /** The last lines that a service printed, for a start that does not succeed. */
  tail(name: ServiceProgram): string {
    return this.#running.get(name)?.tail(5) ?? '';
  }

  #spawn(name: ServiceProgram, delayMs: number): void {
    const { environmentOf, logFolder } = this.#options;
    const started = performance.now();
    const service = startService(name, environmentOf(name), {
      logFile: join(logFolder, `${name}.log`),
    });
    this.#running.set(name, service);
    void service.exited.then(async ({ code, signal }) => {
      if (this.#stopping.signal.aborted) return;
      const lived = performance.now() - started;
      const waitMs = lived > HEALTHY_AFTER_MS ? FIRST_DELAY_MS : delayMs;
      const how = signal === null ? `exit code ${code}` : signal;
      this.#options.screen.say(
        `! ${name} ended (${how}); it starts again in ${waitMs / 1000} s. Its log: ${join(logFolder, `${name}.log`)}`,
      );
      await delay(waitMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      if (!this.#stopping.signal.aborted) this.#spawn(name, Math.min(waitMs * 2, DELAY_MAX_MS));
    });
  }

  /** Stops all of them: first who moves rows, last who directs. */
  async stopAll(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([
      this.#stop('ui'),
      this.#stop('capture'),
      this.#stop('apply'),
      this.#stop('schema'),
    ]);
    await this.#stop('control');
  }

  async #stop(name: ServiceProgram): Promise<void> {
    await this.#running.get(name)?.stop();
  }
}
