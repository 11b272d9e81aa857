import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fetchNatsDebianPackage, isDebian } from './nats-debian-package.js';
import { downloadNatsRelease } from './nats-release.js';
import { NATS_VERSION_MIN, isNatsVersionEnough, natsVersion } from './nats-version.js';
import { repositoryRoot } from './repository-root.js';

const BINARY = 'nats-server';

export interface FindNatsOptions {
  /** Told what is being done, before it is done. */
  readonly onProgress?: (message: string) => void;
}

/**
 * A nats-server that is new enough: from `NATS_SERVER`, from the PATH, from the caches, else fetched into the clone's cache: the official
 * release, else (on Debian, where the release's site may be out of reach while a package mirror is not) the package of a newer suite.
 */
export async function findNatsServer(options: FindNatsOptions = {}): Promise<string> {
  const named = process.env['NATS_SERVER'];
  if (named !== undefined && named !== '') {
    if (isUsable(named)) return named;
    throw new Error(
      `NATS_SERVER is ${named}, which is no nats-server of version ${NATS_VERSION_MIN.join('.')} or later.`,
    );
  }
  const found = candidates().find(isUsable);
  return found ?? fetchNatsServer(options);
}

function isUsable(binary: string): boolean {
  if (!existsSync(binary)) return false;
  const version = natsVersion(binary);
  return version !== undefined && isNatsVersionEnough(version);
}

function cacheDir(): string {
  return process.env['BUNNY_CACHE_DIR'] ?? join(repositoryRoot(), '.bunny', 'cache');
}

function candidates(): string[] {
  const onPath = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, BINARY));
  const userCache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return [...onPath, join(cacheDir(), BINARY), join(userCache, 'bunnydb', BINARY)];
}

async function fetchNatsServer({ onProgress }: FindNatsOptions): Promise<string> {
  const folder = cacheDir();
  mkdirSync(folder, { recursive: true });
  const target = join(folder, BINARY);
  const unfinished = `${target}.${process.pid}`;
  const ways: readonly (readonly [string, () => Promise<void>])[] = [
    ['the official release', () => downloadNatsRelease(unfinished, folder)],
    ...(isDebian()
      ? [
          [
            'the package of a newer Debian suite',
            () => fetchNatsDebianPackage(unfinished, folder),
          ] as const,
        ]
      : []),
  ];
  const problems: string[] = [];
  for (const [name, fetchIt] of ways) {
    onProgress?.(`fetching nats-server: ${name}`);
    try {
      await fetchIt();
      chmodSync(unfinished, 0o755);
      if (!isUsable(unfinished)) throw new Error('the binary does not run on this machine');
      // The name appears only with the whole file behind it.
      renameSync(unfinished, target);
      return target;
    } catch (error) {
      problems.push(`${name}: ${describe(error)}`);
    } finally {
      rmSync(unfinished, { force: true });
    }
  }
  throw new Error(
    `No nats-server ${NATS_VERSION_MIN.join('.')} or later was found or fetched (${problems.join('; ')}): ` +
      'install one and put it on the PATH, or name it in NATS_SERVER.',
  );
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  const { cause } = error;
  return cause instanceof Error ? `${error.message}, ${cause.message}` : error.message;
}
