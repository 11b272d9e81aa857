import { accessSync, chownSync, constants, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** The operating-system user that PostgreSQL runs as; it refuses to run as root. */
export interface UnprivilegedUser {
  readonly uid: number;
  readonly gid: number;
}

const PREFERRED_USERS = ['postgres', 'nobody'];

/** An existing unprivileged user when this process is root, else `undefined`: PostgreSQL can run as we are. */
export function unprivilegedUser(): UnprivilegedUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = new Map(
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .map(([name = '', , uid, gid]) => [name, { uid: Number(uid), gid: Number(gid) }]),
  );
  for (const name of PREFERRED_USERS) {
    const user = users.get(name);
    if (user !== undefined && user.uid > 0) return user;
  }
  throw new Error(
    `PostgreSQL does not run as root, and none of the users ${PREFERRED_USERS.join(', ')} exists: start BunnyDB as a normal user.`,
  );
}

/** True when `user` may enter every folder on the way to `path`. */
export function canReach(user: UnprivilegedUser | undefined, path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    if (!canEnter(user, folder)) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** True when PostgreSQL, as the user that it runs as, can be given a data folder in `folder`. */
export function canPostgresReach(folder: string): boolean {
  return canReach(unprivilegedUser(), folder);
}

function canEnter(user: UnprivilegedUser | undefined, folder: string): boolean {
  if (user === undefined) {
    try {
      accessSync(folder, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  }
  const { mode, uid, gid } = statSync(folder);
  if (uid === user.uid) return (mode & 0o100) !== 0;
  if (gid === user.gid) return (mode & 0o010) !== 0;
  return (mode & 0o001) !== 0;
}

/** Gives a folder to the user, if there is one. */
export function giveFolder(user: UnprivilegedUser | undefined, folder: string): void {
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
}
