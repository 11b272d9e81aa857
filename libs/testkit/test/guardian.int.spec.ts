import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { startNats, until } from '../src/index.js';

/** Uses the built library: a process outside of Vitest cannot load TypeScript. */
const door = pathToFileURL(fileURLToPath(new URL('../dist/index.js', import.meta.url))).href;

const PARENT = `
const { startNats, startPostgres, removeTemporaryFolder } = await import(${JSON.stringify(door)});
const [postgres, nats] = await Promise.all([startPostgres(), startNats()]);
console.log(JSON.stringify({ pids: [postgres.processId, nats.processId], folders: [postgres.dataDir, nats.dataDir] }));
setInterval(() => {}, 1000);
`;

interface ParentReport {
  readonly pids: readonly number[];
  readonly folders: readonly string[];
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('the guardian', () => {
  it('ends the servers and removes their folders when the parent is killed', async () => {
    // Makes sure that the binary is there before the child looks for it.
    await (await startNats()).stop();
    const parent = spawn(process.execPath, ['--input-type=module', '-e', PARENT], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
    const { pids, folders } = JSON.parse(line) as ParentReport;
    expect(pids.map(isAlive)).toEqual([true, true]);
    parent.kill('SIGKILL');
    await until(() => !pids.some(isAlive) && !folders.some(existsSync), {
      timeoutMs: 20_000,
      what: 'the servers and their folders to be gone',
    });
  });
});
