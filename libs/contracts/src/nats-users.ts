import { natsPermissionsOf, type NatsPermissions, type SubjectRules } from './nats-permissions.js';
import { SERVICE_NAMES, type ServiceName } from './subjects.js';

/** How long a request may take to be answered. */
const ANSWER_WITHIN = '10m';

/** A user of NATS: a service, or people with the NATS CLI, who may everything. */
export type NatsUser = ServiceName | 'operator';
export const NATS_USERS: readonly NatsUser[] = [...SERVICE_NAMES, 'operator'];

/**
 * The users with their permissions, as a part of nats-server's configuration file. Their passwords stay in the server's environment, without
 * which it does not start.
 */
export function renderNatsUsers(passwordVariableOf: (user: NatsUser) => string): string {
  const login = (user: NatsUser): string =>
    `user: "${user}", password: $${passwordVariableOf(user)}`;
  const users = SERVICE_NAMES.map((service) => [
    '    {',
    `      ${login(service)}`,
    ...renderPermissions(natsPermissionsOf(service)),
    '    }',
  ]);
  return [
    'authorization {',
    '  users: [',
    ...users.flat(),
    `    { ${login('operator')} }`,
    '  ]',
    '}',
    '',
  ].join('\n');
}

function renderPermissions(permissions: NatsPermissions): readonly string[] {
  return [
    '      permissions: {',
    ...renderRules('publish', permissions.publish),
    ...renderRules('subscribe', permissions.subscribe),
    `        allow_responses: { max: 1, expires: "${ANSWER_WITHIN}" }`,
    '      }',
  ];
}

function renderRules(name: 'publish' | 'subscribe', rules: SubjectRules): readonly string[] {
  const lists = (['allow', 'deny'] as const).filter((list) => rules[list].length > 0);
  return [
    `        ${name}: {`,
    ...lists.flatMap((list) => [
      `          ${list}: [`,
      ...rules[list].map((subject) => `            "${subject}"`),
      '          ]',
    ]),
    '        }',
  ];
}
