import 'reflect-metadata';
import { inboxPrefix } from '@bunnydb/contracts';
import { connectMessaging, ensureControlStreams, startHeartbeat } from '@bunnydb/messaging';
import { openApplication } from './application.js';
import { createLog, type ServiceLog } from './create-log.js';
import { installFaultPoints } from './install-fault-points.js';
import { Liveness } from './liveness.js';
import { MetricBoard } from './metric-board.js';
import { openObservation } from './open-observation.js';
import { natsAddressOf } from './nats-settings.js';
import { runLoops } from './run-loops.js';
import type { ServiceDefinition, Shell } from './service-definition.js';
import type { ShellConfig } from './shell-settings.js';
import { runShutdown, type ShutdownStep } from './shutdown.js';
import { listenForStop } from './stop-signals.js';
import { startTelemetry } from './telemetry.js';

const LOOPS_END_MS = 8_000;
const INTAKE_END_MS = 6_000;
const CLOSE_MS = 3_000;

/**
 * Runs a service from start to end, then ends the process: 0 after a wanted stop, 1 otherwise.
 *
 * Start: log, fault points, telemetry, NATS (waited for), control streams, the Nest application, health, transports, loops.
 * Stop: at SIGTERM or SIGINT, or when a loop or the connection is lost for good; in the order that `shutdownSteps` lists.
 */
export async function runService<Config extends ShellConfig>(
  definition: ServiceDefinition<Config>,
): Promise<void> {
  const { config, name } = definition;
  const log = createLog({ level: config.logLevel, service: name, instance: config.instance });
  const stopping = new AbortController();
  endOnCrash(log);
  listenForStop(stopping, log);
  const opened: ShutdownStep[] = [];
  let wanted = false;
  try {
    installFaultPoints(config.faultPoints);
    wanted = await startAndWait(definition, log, stopping, opened);
  } catch (error) {
    wanted = stopping.signal.aborted;
    if (!wanted) {
      // No rows are handled yet, so the text of any error may be told; an operator needs it here most.
      const reason = error instanceof Error ? error.message : 'unknown';
      log.fatal({ error, reason }, 'the service could not start');
    }
  }
  stopping.abort();
  const clean = await runShutdown(opened, log);
  log.info({}, 'stopped');
  process.exit(wanted && clean ? 0 : 1);
}

/**
 * Opens everything and waits for the end. What is opened puts its closing in front of `opened`, so that a start that fails half-way releases
 * what it took, in reverse.
 *
 * @returns true when the stop was wanted.
 */
async function startAndWait<Config extends ShellConfig>(
  definition: ServiceDefinition<Config>,
  log: ServiceLog,
  stopping: AbortController,
  opened: ShutdownStep[],
): Promise<boolean> {
  const { config, name, version } = definition;
  const { signal } = stopping;
  const telemetry = await startTelemetry({
    endpoint: config.otlpEndpoint,
    sampler: config.traceSampler,
    service: name,
    instance: config.instance,
    version,
  });
  opened.unshift(step('telemetry', CLOSE_MS, () => telemetry.shutdown()));

  const messaging = await connectMessaging({
    ...natsAddressOf(config),
    inboxPrefix: inboxPrefix(name),
    name: `${name}-${config.instance}`,
    log,
    signal,
    leaseTtlMs: config.leaseTtlMs,
    replicas: config.natsReplicas,
  });
  opened.unshift(step('nats', CLOSE_MS, () => messaging.close()));
  await ensureControlStreams(messaging, { signal });

  const shell: Shell<Config> = {
    service: name,
    instance: config.instance,
    version,
    config,
    log,
    messaging,
    metrics: new MetricBoard({ tablesMax: config.metricTablesMax }),
    liveness: new Liveness(),
    signal,
  };
  const app = await openApplication(definition, shell);
  opened.unshift(step('application', CLOSE_MS, () => app.close()));
  opened.unshift(...(definition.closing?.(app.context, shell) ?? []));
  await definition.prepare?.(app.context, shell);
  const readiness = async () => definition.readiness?.(app.context) ?? {};
  await openObservation(shell, readiness, opened);

  const loops = runLoops(definition.loops?.(app.context, shell) ?? [], signal, log);
  opened.unshift(step('loops', LOOPS_END_MS, () => loops.ended));
  opened.unshift(step('intake', INTAKE_END_MS, () => app.stopIntake()));
  await app.listen();
  if (name === 'control' && !signal.aborted) {
    // The others beat in `runMirrorSessions`, which knows their mirrors.
    const { instance } = config;
    const beat = startHeartbeat({ messaging, service: name, instance, version, mirrors: () => [] });
    signal.addEventListener('abort', beat.stop, { once: true });
  }
  log.info({ version, pid: process.pid }, 'ready');

  const lost = await Promise.race([
    aborted(signal),
    loops.broken.then((loop) => `the loop ${loop} ended`),
    messaging.closed.then(() => 'the connection to nats closed'),
  ]);
  if (lost !== undefined && !signal.aborted) {
    log.fatal({ reason: lost }, 'the service cannot go on');
    return false;
  }
  return true;
}

/** A bug ends the process: what it would do next cannot be trusted, and everything it does can be done again. */
function endOnCrash(log: ServiceLog): void {
  process.on('uncaughtException', (error) => {
    log.fatal({ error }, 'an error was not caught');
    process.exit(1);
  });
  process.on('unhandledRejection', (error) => {
    log.fatal({ error }, 'a rejection was not handled');
    process.exit(1);
  });
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve(undefined);
      return;
    }
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

function step(name: string, deadlineMs: number, run: () => Promise<unknown>): ShutdownStep {
  return { name, deadlineMs, run };
}
