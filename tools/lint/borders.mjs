/**
 * Who may import whom, as rules of ESLint. Between projects the tags in each `package.json` decide
 * (`type:` and `scope:`); within a service the path decides. `npm run lint` also runs `borders-check`, which feeds bad
 * imports to these rules and fails when one of them is not refused.
 */

/** Libraries that know nothing of I/O and nothing of what is above them. */
export const KERNEL = ['change-stream', 'contracts', 'failure', 'pg-model'];

/** What the pure code may import: the kernel, and files beside it. */
const PURE_IMPORT = `^(?!\\.{1,2}/|@bunnydb/(?:${KERNEL.join('|')})$)`;
/** The one exception: a message's class in contracts carries the decorators that validate it. */
const CONTRACTS_IMPORT = `^(?!\\.{1,2}/|@bunnydb/(?:${KERNEL.join('|')})$|class-validator$|class-transformer$)`;

/** For `@nx/enforce-module-boundaries`. Every project matches at least one `type:` line and one `scope:` line. */
export const PROJECT_BORDERS = [
  { sourceTag: 'type:kernel', onlyDependOnLibsWithTags: ['type:kernel'] },
  { sourceTag: 'type:adapter', onlyDependOnLibsWithTags: ['type:kernel', 'type:adapter'] },
  {
    sourceTag: 'type:shell',
    onlyDependOnLibsWithTags: ['type:kernel', 'type:adapter'],
  },
  { sourceTag: 'type:testkit', onlyDependOnLibsWithTags: ['type:kernel', 'type:adapter'] },
  {
    sourceTag: 'type:service',
    onlyDependOnLibsWithTags: ['type:kernel', 'type:adapter', 'type:shell'],
  },
  {
    sourceTag: 'type:e2e',
    onlyDependOnLibsWithTags: ['type:kernel', 'type:adapter', 'type:testkit'],
  },
  {
    sourceTag: 'type:tool',
    onlyDependOnLibsWithTags: ['type:kernel', 'type:adapter', 'type:testkit'],
  },
  { sourceTag: 'type:workspace', onlyDependOnLibsWithTags: ['type:workspace'] },
  { sourceTag: 'scope:shared', onlyDependOnLibsWithTags: ['scope:shared'] },
  { sourceTag: 'scope:control', onlyDependOnLibsWithTags: ['scope:control', 'scope:shared'] },
  ...['capture', 'apply', 'schema'].map((service) => ({
    sourceTag: `scope:${service}`,
    onlyDependOnLibsWithTags: [`scope:${service}`, 'scope:shared'],
  })),
];

/** The same for tests, which may also use the testkit. */
export const TEST_BORDERS = PROJECT_BORDERS.map((border) =>
  border.sourceTag.startsWith('type:')
    ? {
        ...border,
        onlyDependOnLibsWithTags: [...border.onlyDependOnLibsWithTags, 'type:testkit'],
      }
    : border,
);

const PURE_MESSAGE =
  'Pure code imports only the kernel libraries (change-stream, contracts, failure, pg-model) and files beside it.';
const LEAVES_CORE = 'A file of src/core imports nothing that is outside of src/core.';

/** Time, identity, randomness and the process come in as arguments. */
const PURE_CODE_RULES = {
  'no-restricted-globals': [
    'error',
    ...['process', 'setTimeout', 'setInterval', 'setImmediate', 'fetch', 'console'].map((name) => ({
      name,
      message: 'Pure code does no I/O and keeps no clock; take it as an argument.',
    })),
  ],
  'no-restricted-properties': [
    'error',
    { object: 'Date', property: 'now', message: 'Take the time as an argument.' },
    { object: 'Math', property: 'random', message: 'Take the random number as an argument.' },
    { object: 'crypto', property: 'randomUUID', message: 'Take the identifier as an argument.' },
  ],
};

/** `src/core` is kept from `src/shell`, from the wiring, and from every library that does I/O. */
function coreBorder(depth) {
  const folders = '/*'.repeat(depth);
  const upAndOut = `^(?:\\./)?${'\\.\\./'.repeat(depth + 1)}`;
  return {
    name: `borders/core-${depth}`,
    files: [`services/*/src/core${folders}/*.ts`],
    rules: {
      ...PURE_CODE_RULES,
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: PURE_IMPORT, message: PURE_MESSAGE },
            { regex: upAndOut, message: LEAVES_CORE },
          ],
        },
      ],
    },
  };
}

function kernelBorder(library) {
  const regex = library === 'contracts' ? CONTRACTS_IMPORT : PURE_IMPORT;
  return {
    name: `borders/kernel-${library}`,
    files: [`libs/${library}/src/**/*.ts`],
    rules: {
      ...PURE_CODE_RULES,
      'no-restricted-imports': ['error', { patterns: [{ regex, message: PURE_MESSAGE }] }],
    },
  };
}

/** What only some rooms may import. */
const OUTSIDE_LIBRARIES = {
  // A service has no door to import from, so Nx cannot tell what such an import means and lets it pass.
  services: {
    regex: '^@bunnydb/(?:apply|capture|control|schema|ui)(?:/|$)',
    message: 'A service is a process: nothing imports it.',
  },
  nest: {
    regex: '^@nestjs/',
    message: 'Nest is the shell: only libs/service-shell and the shells of services import it.',
  },
  nats: {
    regex: '^@nats-io/',
    message: 'Only libs/messaging and the shells of services speak to NATS.',
  },
  postgres: {
    regex: '^(?:pg|pg-logical-replication|pg-copy-streams)(?:/|$)',
    message: 'Sessions are opened by libs/pg-client; the catalog by libs/event-store and control.',
    // What libs/pg-client returns has the driver's type.
    allowTypeImports: true,
  },
  kysely: {
    regex: '^kysely(?:/|$)',
    message: 'Kysely is for the catalog: only libs/event-store and control import it.',
  },
};

/** Which room may import which of them. For a file in two rooms the later line counts. */
const OUTSIDE_ROOMS = [
  { files: '**/*.ts', may: [] },
  { files: 'libs/service-shell/**/*.ts', may: ['nest', 'nats'] },
  { files: 'libs/messaging/**/*.ts', may: ['nats'] },
  { files: 'libs/pg-client/**/*.ts', may: ['postgres'] },
  { files: 'libs/event-store/**/*.ts', may: ['postgres', 'kysely'] },
  { files: 'libs/testkit/**/*.ts', may: ['postgres', 'nats'] },
  { files: 'services/*/src/*.ts', may: ['nest'] },
  { files: 'services/*/src/shell/**/*.ts', may: ['nest', 'nats'] },
  { files: 'services/control/src/**/*.ts', may: ['nest', 'nats', 'postgres', 'kysely'] },
  { files: 'services/control/migrations/**/*.ts', may: ['kysely'] },
  { files: '{libs,services}/*/test/**/*.ts', may: ['nest', 'nats', 'postgres', 'kysely'] },
  { files: '{e2e,bench,infra/dev}/**/*.ts', may: ['nats', 'postgres'] },
];

function outsideBorder({ files, may }) {
  const patterns = Object.entries(OUTSIDE_LIBRARIES)
    .filter(([library]) => !may.includes(library))
    .map(([, pattern]) => pattern);
  return {
    name: `borders/outside ${files}`,
    files: [files],
    rules: {
      '@typescript-eslint/no-restricted-imports':
        patterns.length > 0 ? ['error', { patterns }] : 'off',
    },
  };
}

/** The environment is read once, by the file that parses it. */
export const ENVIRONMENT_READERS = [
  '**/src/config.ts',
  '**/src/main.ts',
  '**/test/**',
  'infra/dev/**',
  'libs/testkit/**',
  'e2e/**',
  'bench/**',
  'tools/**',
  '*.config.*',
];

const environmentBorder = {
  name: 'borders/environment',
  files: ['**/*.ts'],
  ignores: ENVIRONMENT_READERS,
  rules: {
    'no-restricted-properties': [
      'error',
      {
        object: 'process',
        property: 'env',
        message: 'Only config.ts and main.ts read the environment; take the parsed config.',
      },
    ],
  },
};

/** All borders that are drawn by path, in the order in which later ones overrule earlier ones. */
export const PATH_BORDERS = [
  ...OUTSIDE_ROOMS.map(outsideBorder),
  environmentBorder,
  ...KERNEL.map(kernelBorder),
  ...[0, 1, 2, 3].map(coreBorder),
];
