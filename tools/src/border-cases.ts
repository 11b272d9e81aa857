/** One line of source text in one place, and whether the config must refuse it. */
export interface BorderCase {
  readonly file: string;
  readonly text: string;
  readonly rule: string;
  readonly refused: boolean;
}

const PROJECTS = '@nx/enforce-module-boundaries';
const IMPORTS = 'no-restricted-imports';
const OUTSIDE = '@typescript-eslint/no-restricted-imports';
const PROPERTIES = 'no-restricted-properties';
const GLOBALS = 'no-restricted-globals';

const refused = (rule: string, file: string, text: string): BorderCase => ({
  file,
  text: `${text}\n`,
  rule,
  refused: true,
});
const allowed = (file: string, text: string): BorderCase => ({
  file,
  text: `${text}\n`,
  rule: '',
  refused: false,
});
const importOf = (specifier: string): string =>
  `import { it } from '${specifier}';\nexport const use = it;`;

const CORE_FILES = ['capture', 'apply', 'schema', 'control'].flatMap((service) => [
  `services/${service}/src/core/probe.ts`,
  `services/${service}/src/core/inner/probe.ts`,
]);
const NOT_FOR_CORE = [
  'node:fs',
  'fs',
  'pg',
  'pg-logical-replication',
  '@nats-io/transport-node',
  '@nats-io/jetstream',
  '@nestjs/common',
  'kysely',
  'rxjs',
  '@bunnydb/pg-client',
  '@bunnydb/messaging',
  '@bunnydb/service-shell',
];

/** Every border of the house, crossed once on purpose; and what must stay open. */
export const BORDER_CASES: readonly BorderCase[] = [
  // A service imports no other service.
  refused(OUTSIDE, 'services/capture/src/probe.ts', importOf('@bunnydb/apply')),
  refused(OUTSIDE, 'services/apply/src/shell/probe.ts', importOf('@bunnydb/capture')),
  refused(OUTSIDE, 'services/control/src/shell/probe.ts', importOf('@bunnydb/schema')),
  refused(OUTSIDE, 'services/schema/src/shell/probe.ts', importOf('@bunnydb/control')),
  refused(PROJECTS, 'services/capture/src/probe.ts', importOf('../../apply/src/main.js')),
  refused(PROJECTS, 'e2e/src/probe.ts', importOf('../../services/apply/src/main.js')),
  refused(
    PROJECTS,
    'services/apply/src/probe.ts',
    importOf('../../../libs/failure/src/backoff.js'),
  ),
  // The catalog is control's alone.
  ...['capture', 'apply', 'schema'].map((service) =>
    refused(PROJECTS, `services/${service}/src/shell/probe.ts`, importOf('@bunnydb/event-store')),
  ),
  refused(PROJECTS, 'libs/messaging/src/probe.ts', importOf('@bunnydb/event-store')),
  allowed('services/control/src/shell/probe.ts', importOf('@bunnydb/event-store')),
  // The kernel knows nothing above it, and no I/O.
  ...['change-stream', 'contracts', 'failure', 'pg-model'].flatMap((library) => [
    refused(PROJECTS, `libs/${library}/src/probe.ts`, importOf('@bunnydb/pg-client')),
    refused(IMPORTS, `libs/${library}/src/probe.ts`, importOf('node:crypto')),
    refused(IMPORTS, `libs/${library}/src/probe.ts`, importOf('pg')),
  ]),
  allowed('libs/change-stream/src/probe.ts', importOf('@bunnydb/pg-model')),
  // An adapter knows neither Nest nor a service.
  refused(PROJECTS, 'libs/pg-client/src/probe.ts', importOf('@bunnydb/service-shell')),
  refused(OUTSIDE, 'libs/pg-client/src/probe.ts', importOf('@nestjs/common')),
  refused(OUTSIDE, 'libs/pg-client/src/probe.ts', importOf('@nats-io/transport-node')),
  refused(OUTSIDE, 'libs/messaging/src/probe.ts', importOf('pg')),
  // End-to-end tests and benchmarks run services as processes.
  refused(OUTSIDE, 'e2e/src/probe.ts', importOf('@bunnydb/capture')),
  refused(OUTSIDE, 'bench/src/probe.ts', importOf('@bunnydb/apply')),
  refused(OUTSIDE, 'infra/dev/src/probe.ts', importOf('@bunnydb/control')),
  // The core decides and does no I/O.
  ...CORE_FILES.flatMap((file) => [
    ...NOT_FOR_CORE.map((specifier) => refused(IMPORTS, file, importOf(specifier))),
    refused(
      IMPORTS,
      file,
      importOf(file.includes('/inner/') ? '../../shell/x.js' : '../shell/x.js'),
    ),
    refused(IMPORTS, file, importOf(file.includes('/inner/') ? '../../config.js' : '../config.js')),
    refused(GLOBALS, file, 'export const wait = setTimeout;'),
    refused(PROPERTIES, file, 'export const now = Date.now();'),
    allowed(file, importOf('@bunnydb/pg-model')),
    allowed(file, importOf('./neighbour.js')),
  ]),
  // The shell of a service leaves the servers to the adapters.
  refused(OUTSIDE, 'services/apply/src/shell/probe.ts', importOf('pg')),
  refused(OUTSIDE, 'services/capture/src/shell/probe.ts', importOf('kysely')),
  allowed(
    'services/apply/src/shell/probe.ts',
    "import type { it } from 'pg';\nexport type Use = typeof it;",
  ),
  // Programs do not lean on what is made for tests.
  refused(PROJECTS, 'services/apply/src/shell/probe.ts', importOf('@bunnydb/testkit')),
  refused(PROJECTS, 'libs/messaging/src/probe.ts', importOf('@bunnydb/testkit')),
  allowed('libs/messaging/test/probe.int.spec.ts', importOf('@bunnydb/testkit')),
  // The environment is read in one place.
  refused(PROPERTIES, 'services/apply/src/shell/probe.ts', 'export const url = process.env.X;'),
  refused(PROPERTIES, 'libs/messaging/src/probe.ts', 'export const url = process.env.X;'),
  allowed('services/apply/src/config.ts', 'export const url = process.env.X;'),
];
