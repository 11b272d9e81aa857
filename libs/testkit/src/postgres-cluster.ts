import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type PostgresVersion, findPostgres } from './postgres-binaries.js';
import { canReach, giveFolder, unprivilegedUser } from './unprivileged-user.js';

const run = promisify(execFile);

/** Makes a cluster with `initdb` if there is none in the folder. */
export async function ensureCluster(
  version: PostgresVersion,
  dataDir: string,
  password: string | undefined,
): Promise<void> {
  if (existsSync(join(dataDir, 'PG_VERSION'))) return;
  const user = unprivilegedUser();
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  giveFolder(user, dataDir);
  if (!canReach(user, dirname(dataDir))) {
    throw new Error(
      `The user that PostgreSQL runs as cannot enter ${dirname(dataDir)}: choose a data folder that is open to it.`,
    );
  }
  const passwordFile = join(dirname(dataDir), `.${basename(dataDir)}.${process.pid}.password`);
  const authentication =
    password === undefined
      ? ['--auth=trust']
      : ['--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  if (password !== undefined) {
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    giveFolder(user, passwordFile);
  }
  try {
    await run(
      join(findPostgres(version), 'initdb'),
      [
        '-D',
        dataDir,
        '-U',
        'postgres',
        '-E',
        'UTF8',
        '--no-locale',
        '--no-sync',
        ...authentication,
      ],
      { ...user, env: serverEnvironment() },
    );
  } catch (error) {
    // A cluster that is half made would be taken for a whole one at the next start.
    rmSync(dataDir, { recursive: true, force: true });
    throw new Error(`initdb of PostgreSQL ${version} failed in ${dataDir}`, { cause: error });
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/** Nothing of the caller's `PG…` or locale variables may reach the server. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'] ?? '', TZ: 'UTC', LC_ALL: 'C' };
}
