import type { Launch } from './launch.js';

export interface MirroredDatabases {
  readonly name: string;
  readonly sourceUrl: string;
  readonly destinationUrl: string;
  /** Changes to try, for the demo. */
  readonly trials?: readonly Trial[];
}

/** SQL to be pasted at the source, and SQL that shows at the destination what came of it. */
export interface Trial {
  readonly what: string;
  readonly change: string;
  readonly look: string;
}

/** What a person can do now: how to log in, and commands to be copied. */
export function nextSteps(launch: Launch, mirrored: MirroredDatabases | undefined): string {
  const { ports } = launch.options;
  const api = `http://127.0.0.1:${ports.api}`;
  const nats = `nats --server nats://127.0.0.1:${ports.nats}`;
  const { adminUser, adminPassword } = launch.secrets;
  const login = JSON.stringify({ username: adminUser, password: adminPassword });
  const name = mirrored?.name ?? '';
  return [
    '',
    `BunnyDB runs. Console: http://127.0.0.1:${ports.ui}`,
    `Log in as ${adminUser} with password ${adminPassword}`,
    `Gateway: ${api} (its pages: ${api}/docs)`,
    '',
    'Try:',
    `  TOKEN=$(curl -s ${api}/v1/auth/login -H 'content-type: application/json' -d '${login}' | node -pe 'JSON.parse(require("fs").readFileSync(0)).token')`,
    `  curl -s ${api}/v1/mirrors${name === '' ? '' : `/${name}`} -H "authorization: Bearer $TOKEN"`,
    `  ${nats} stream ls`,
    `  ${nats} sub 'bunny.cdc.${name === '' ? '' : `${name}.`}>'`,
    ...(mirrored === undefined ? [] : trialLines(mirrored)),
    '',
    `Data, secrets and logs: ${launch.folder.base}. Ctrl-C stops everything; the next start goes on from there.`,
    '',
  ].join('\n');
}

function trialLines({ sourceUrl, destinationUrl, trials = [] }: MirroredDatabases): string[] {
  return trials.flatMap(({ what, change, look }) => [
    '',
    `${what}, and what comes of it at the destination:`,
    `  psql '${sourceUrl}' -c "${change}"`,
    `  psql '${destinationUrl}' -c "${look}"`,
  ]);
}
