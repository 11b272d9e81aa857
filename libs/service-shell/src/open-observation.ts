import { type Readiness, openHealthEndpoint } from './health-endpoint.js';
import { LOOK_EVERY_MS } from './liveness.js';
import { LogLevelDoor } from './log-level.js';
import { type MetricExposition, openExposition } from './metric-exposition.js';
import { processSource } from './process-samples.js';
import type { Shell } from './service-definition.js';
import type { ShutdownStep } from './shutdown.js';

/**
 * Opens all that lets people look into a running process: the log's level over NATS, the watch over its loops, and where there is a port,
 * `/health`, `/ready` and `/metrics`. What is opened puts its closing in front of `opened`.
 */
export async function openObservation(
  shell: Shell,
  readiness: () => Readiness | Promise<Readiness>,
  opened: ShutdownStep[],
): Promise<void> {
  const { config, log, messaging, service, instance } = shell;
  const opens = (name: string, run: () => void | Promise<void>): void => {
    opened.unshift({ name, deadlineMs: CLOSE_MS, run: async () => run() });
  };
  const levels = new LogLevelDoor({ log, level: config.logLevel, service, instance });
  opens('log level', levels.listen(messaging));
  const watch = watchLoops(shell);
  opens('liveness', watch.end);
  if (config.healthPort === undefined) return;
  const metrics = await openMetrics(shell, watch.stuck);
  opens('metrics', () => metrics.shutdown());
  const health = await openHealthEndpoint({
    port: config.healthPort,
    readiness: async () => ({ nats: messaging.connected, ...(await readiness()) }),
    stuck: watch.stuck,
    metrics: metrics.answer,
  });
  opens('health', () => health.close());
  log.info({ port: health.port }, 'health endpoint open');
}

/** What every process tells beside its own. */
async function openMetrics(
  { metrics, messaging, service, instance, version }: Shell,
  stuck: () => readonly string[],
): Promise<MetricExposition> {
  metrics.add(processSource());
  metrics.add(() => [
    { name: 'bunny_nats_connected', labels: {}, value: messaging.connected ? 1 : 0 },
    { name: 'bunny_stuck_loops', labels: {}, value: stuck().length },
  ]);
  return openExposition(metrics, { service, instance, version });
}

/** Looks at the loops every few seconds, whether anybody asks or not, and says once what is stuck. */
function watchLoops({ liveness, log }: Shell): {
  readonly stuck: () => readonly string[];
  readonly end: () => void;
} {
  let stuck: readonly string[] = [];
  const timer = setInterval(() => {
    const before = stuck;
    stuck = liveness.look();
    const fresh = stuck.filter((name) => !before.includes(name));
    if (fresh.length > 0) log.error({ loops: fresh }, 'a loop does not turn any more');
  }, LOOK_EVERY_MS);
  timer.unref();
  return { stuck: () => stuck, end: () => clearInterval(timer) };
}

const CLOSE_MS = 3_000;
