import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Children must not outlive this process, however it ends. A process killed with SIGKILL cannot clean up, so a guardian does: a small
 * process in a session of its own (a Ctrl-C does not reach it) that reads instructions from a pipe we hold. When we end, the kernel
 * closes the pipe, and the guardian ends the processes and removes the folders that are still on its list.
 *
 * It is given as text because the tests run TypeScript sources directly, and a child Node.js process could not load those.
 */
const GUARDIAN_PROGRAM = `
const { rmSync } = require('node:fs');
const processes = new Map(), folders = new Set();
const alive = (pid) => { try { process.kill(pid, 0); return true; } catch (error) { return error.code === 'EPERM'; } };
const send = (pid, signal) => { try { process.kill(pid, signal); } catch {} };
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { watch, signal, unwatch, folder, keep } = JSON.parse(line);
  if (watch) processes.set(watch, signal);
  if (unwatch) processes.delete(unwatch);
  if (folder) folders.add(folder);
  if (keep) folders.delete(keep);
}).on('close', () => {
  for (const [pid, signal] of processes) send(pid, signal);
  const deadline = Date.now() + 15000;
  const wait = () => {
    const left = [...processes.keys()].filter(alive);
    if (left.length > 0 && Date.now() < deadline) return setTimeout(wait, 50);
    for (const pid of left) send(pid, 'SIGKILL');
    for (const folder of folders) try { rmSync(folder, { recursive: true, force: true }); } catch {}
  };
  wait();
});
`;

let guardian: ChildProcess | undefined;

function tell(instruction: Readonly<Record<string, string | number>>): void {
  if (guardian === undefined) {
    guardian = spawn(process.execPath, ['-e', GUARDIAN_PROGRAM], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      env: {},
    });
    guardian.unref();
    const { stdin } = guardian;
    // The pipe alone must not keep this process alive.
    if (stdin !== null && 'unref' in stdin && typeof stdin.unref === 'function') stdin.unref();
    stdin?.on('error', () => undefined);
  }
  guardian.stdin?.write(`${JSON.stringify(instruction)}\n`);
}

/** Ends `child` with `signal` when this process has ended, if the child has not ended before. */
export function endWithParent(child: ChildProcess, signal: NodeJS.Signals): void {
  const { pid } = child;
  if (pid === undefined) return;
  tell({ watch: pid, signal });
  child.once('exit', () => tell({ unwatch: pid }));
}

/** Removes the folder when this process has ended, unless `keepFolder` is called. */
export function removeFolderWithParent(folder: string): void {
  tell({ folder });
}

export function keepFolder(folder: string): void {
  tell({ keep: folder });
}
