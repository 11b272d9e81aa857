import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './repository-root.js';

const USERS_FILE = 'infra/nats/users.conf';
const VARIABLE = /\$BUNNY_NATS_([A-Z]+)_PASSWORD/g;

/**
 * The users and permissions of `infra/nats/users.conf`, for `startNats({ config })`: each user's password is `passwordOf(user)` rather than
 * what an environment holds.
 */
export function natsUsers(passwordOf: (user: string) => string): string {
  const text = readFileSync(join(repositoryRoot(), USERS_FILE), 'utf8');
  return text.replaceAll(VARIABLE, (_variable, user: string) =>
    quoted(passwordOf(user.toLowerCase())),
  );
}

/** A text in double quotes, as nats-server reads one. */
function quoted(text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text)) {
    throw new RangeError('a password of NATS may hold printable ASCII only');
  }
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
