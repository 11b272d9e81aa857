import { renderNatsUsers } from '@bunnydb/contracts';
import type { TextFile } from '../source-tree.js';
import type { Finding } from './finding.js';

export const NATS_USERS_FILE = 'infra/nats/users.conf';

/** The users of docker-compose's nats-server, made from the permissions; it takes passwords from its environment. */
export function natsUsersFile(): string {
  return [
    '# Who may say and hear what. Made from libs/contracts/src/nats-permissions.ts by `npm run docs:write`; do not edit it here.',
    '# A variable that is not set keeps the server from starting. The server reads what stands in it as a value of this language: begin a',
    '# password with a letter, and use letters and digits only: echo n$(openssl rand -hex 32)',
    renderNatsUsers((user) => `BUNNY_NATS_${user.toUpperCase()}_PASSWORD`),
  ].join('\n');
}

/** The file in the repository is the one that the permissions would make now. */
export function checkNatsUsersFile(files: readonly TextFile[]): Finding[] {
  const file = files.find(({ path }) => path === NATS_USERS_FILE);
  return file?.text === natsUsersFile()
    ? []
    : [{ check: 'generated-page', path: NATS_USERS_FILE, message: 'is stale: npm run docs:write' }];
}
