import { join } from 'node:path';
import { repositoryRoot } from '@bunnydb/testkit';
import { takeDataFolder } from './data-folder.js';
import { startDemoDatabases } from './demo/demo-databases.js';
import { nextSteps } from './next-steps.js';
import { type LaunchOptions, readOptions } from './options.js';
import { runDemo, runOwn } from './run-mirror.js';
import { Screen } from './screen.js';
import { keepSecrets } from './secrets-file.js';
import type { Launch } from './launch.js';
import { checkPorts, startStack } from './stack.js';
import { StopList } from './stop-list.js';
import { stopSignal } from './stop-signal.js';
import { UserProblem } from './user-problem.js';

const screen = new Screen(process.stdout, () => performance.now());
const stopping = stopSignal(screen);
const stopList = new StopList();
try {
  const options = readOptions(process.argv.slice(2), process.env, join(repositoryRoot(), '.bunny'));
  // What is still being started when the signal comes is not on the list yet; the guardian ends that with this process.
  await Promise.race([run(await openLaunch(options), stopping), aborted(stopping)]);
} catch (error) {
  // A start that is interrupted half way fails somewhere; that is no problem to tell of.
  if (!stopping.aborted) tellProblem(error);
} finally {
  await stopList.stopAll((name, error) => {
    screen.say(error === undefined ? `stopped ${name}` : `! ${name} did not stop properly`);
  });
}
process.exit();

async function openLaunch(options: LaunchOptions): Promise<Launch> {
  const folder = takeDataFolder(options.dataDir, options.plan.kind);
  stopList.add('the launcher', () => Promise.resolve(folder.release()));
  await checkPorts(options);
  return { options, folder, screen, stopList, secrets: keepSecrets(folder.base, process.env) };
}

async function run(launch: Launch, signal: AbortSignal): Promise<void> {
  const { plan } = launch.options;
  const [api, databases] = await Promise.all([
    startStack(launch),
    plan.kind === 'demo' ? startDemoDatabases(launch) : undefined,
  ]);
  if (signal.aborted) return;
  if (plan.kind === 'demo' && databases !== undefined)
    return runDemo(launch, api, plan, databases, signal);
  if (plan.kind === 'own') return runOwn(launch, api, plan, signal);
  screen.say(nextSteps(launch, undefined));
  await aborted(signal);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function tellProblem(error: unknown): void {
  screen.close();
  process.exitCode = 1;
  if (error instanceof UserProblem) process.stderr.write(`${error.message}\n`);
  else
    process.stderr.write(
      `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
}
