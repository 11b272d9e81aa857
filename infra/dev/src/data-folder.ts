import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { canPostgresReach } from '@bunnydb/testkit';
import { UserProblem } from './user-problem.js';

/** Where the launcher keeps what must survive a stop. */
export interface DataFolder {
  readonly base: string;
  /** Of this kind of stack: the demo and a mirror of one's own do not share a catalog. */
  readonly stack: string;
  readonly logs: string;
  /** Folders of PostgreSQL clusters; elsewhere when PostgreSQL's user may not enter `stack`. */
  readonly clusters: string;
  /** Gives the folder free for the next launcher. */
  release(): void;
}

/** Makes the folders and takes them for this process. */
export function takeDataFolder(base: string, kind: 'demo' | 'own' | 'bare'): DataFolder {
  const stack = join(base, kind === 'demo' ? 'demo' : 'data');
  const logs = join(stack, 'logs');
  mkdirSync(logs, { recursive: true });
  // To be passed through by PostgreSQL's user, but not to be listed.
  for (const folder of [base, stack]) chmodSync(folder, 0o711);
  chmodSync(logs, 0o700);
  const lock = join(stack, 'launcher.pid');
  const holder = holderOf(lock);
  if (holder !== undefined) {
    throw new UserProblem(
      `BunnyDB already runs from ${base} (process ${holder}): stop it first, or give another folder with --data-dir.`,
    );
  }
  writeFileSync(lock, `${process.pid}\n`);
  return {
    base,
    stack,
    logs,
    clusters: canPostgresReach(stack) ? stack : clustersElsewhere(stack),
    release: () => rmSync(lock, { force: true }),
  };
}

/** The process that holds the lock, if it still lives. */
function holderOf(lock: string): number | undefined {
  if (!existsSync(lock)) return undefined;
  const pid = Number(readFileSync(lock, 'utf8'));
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return undefined;
  try {
    process.kill(pid, 0);
  } catch {
    return undefined;
  }
  const commandLine = `/proc/${pid}/cmdline`;
  // Process numbers come again; where the system shows what a process is, another program does not count.
  if (existsSync(commandLine) && !readFileSync(commandLine, 'utf8').includes('infra/dev'))
    return undefined;
  return pid;
}

/** As root, PostgreSQL runs as another user, who may not enter root's home; `/var/tmp` outlives a restart of the machine. */
function clustersElsewhere(stack: string): string {
  const digest = createHash('sha256').update(stack).digest('hex').slice(0, 12);
  const folder = join('/var/tmp', `bunnydb-${digest}`);
  mkdirSync(folder, { recursive: true });
  if (statSync(folder).uid !== process.getuid?.()) {
    throw new UserProblem(
      `${folder} belongs to another user: remove it, or choose a folder with --data-dir.`,
    );
  }
  chmodSync(folder, 0o711);
  return folder;
}
