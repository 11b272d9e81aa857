import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type NatsCluster,
  freePort,
  isPortFree,
  startNats,
  startNatsCluster,
} from '@bunnydb/testkit';
import type { Launch } from './launch.js';
import { UserProblem } from './user-problem.js';

const MONITOR_PORT = 8222;
const RESTART_AFTER_MS = 5_000;

/** Starts nats-server, or a cluster of them; returns what NATS_URL takes. */
export async function startMessaging({
  options,
  folder,
  stopList,
  screen,
}: Launch): Promise<string> {
  const { natsNodes, ports } = options;
  const dataDir = join(folder.stack, 'nats');
  refuseOtherCluster(dataDir, natsNodes);
  const at = {
    dataDir,
    port: ports.nats,
    monitorPort: (await isPortFree(MONITOR_PORT)) ? MONITOR_PORT : await freePort(),
  };
  if (natsNodes === 1) {
    const nats = await startNats(at);
    stopList.add('nats-server', () => nats.stop());
    return nats.url;
  }
  const cluster = await startNatsCluster({ ...at, nodes: natsNodes });
  const stopping = new AbortController();
  for (const name of cluster.names) void keepNode(cluster, name, screen, stopping.signal);
  stopList.add(`nats-server (${natsNodes} nodes)`, async () => {
    stopping.abort();
    await cluster.stop();
  });
  return cluster.url;
}

/** Copies of the streams belong to the servers that made them: others would begin without them. */
function refuseOtherCluster(dataDir: string, nodes: number): void {
  const made = existsSync(join(dataDir, 'store')) ? 1 : countNodes(dataDir);
  if (made === 0 || made === nodes) return;
  throw new UserProblem(
    `The data in ${dataDir} is of ${made} NATS node${made === 1 ? '' : 's'}: start with --nats-nodes ${made}, or give a new --data-dir.`,
  );
}

function countNodes(dataDir: string): number {
  let count = 0;
  while (existsSync(join(dataDir, `n${count + 1}`))) count += 1;
  return count;
}

/** Starts a node again when it dies, as a cluster manager would. */
async function keepNode(
  cluster: NatsCluster,
  name: string,
  screen: Launch['screen'],
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await cluster.exited(name);
    if (signal.aborted) return;
    screen.say(
      `! node ${name} of NATS ended; the others go on, and it starts again in ${RESTART_AFTER_MS / 1000} s`,
    );
    try {
      await delay(RESTART_AFTER_MS, undefined, { signal });
      await cluster.restart(name);
      screen.say(`node ${name} of NATS is back`);
    } catch (error) {
      if (!signal.aborted) screen.say(`! node ${name} of NATS does not start: ${String(error)}`);
    }
  }
}
