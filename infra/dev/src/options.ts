import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { UserProblem } from './user-problem.js';

export interface Ports {
  readonly ui: number;
  readonly api: number;
  readonly nats: number;
  readonly catalog: number;
  readonly source: number;
  readonly destination: number;
}

/** What is mirrored. */
export type Plan =
  | {
      readonly kind: 'demo';
      readonly transactionsPerSecond: number;
      readonly proveAfterSeconds: number;
    }
  | {
      readonly kind: 'own';
      readonly name: string;
      readonly source: string;
      readonly destination: string;
      /** Empty: all tables. */
      readonly tables: readonly string[];
      /** Left out of what patterns, or all tables, stand for. */
      readonly exclude: readonly string[];
      /** Mend at the source what is harmless to mend. */
      readonly fix: boolean;
    }
  | { readonly kind: 'bare' };

export interface LaunchOptions {
  readonly dataDir: string;
  readonly ports: Ports;
  /** 1: a server alone; 3 or 5: a cluster that goes on when it loses a minority of them. */
  readonly natsNodes: number;
  readonly plan: Plan;
}

type Environment = Readonly<Record<string, string | undefined>>;

const PORTS = {
  ui: ['ui-port', 'BUNNY_UI_PORT', 3000],
  api: ['api-port', 'BUNNY_API_PORT', 8112],
  nats: ['nats-port', 'BUNNY_NATS_PORT', 4222],
  catalog: ['catalog-port', 'BUNNY_CATALOG_PORT', 5433],
  source: ['source-port', 'BUNNY_SOURCE_PORT', 5434],
  destination: ['destination-port', 'BUNNY_DESTINATION_PORT', 5435],
} as const satisfies Record<keyof Ports, readonly [string, string, number]>;

const NATS_NODES: readonly string[] = ['1', '3', '5'];
const WRITERS_RATE_MAX = 5_000;
const PROVE_AFTER_SECONDS_MAX = 86_400;
const MIRROR_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

const FLAGS = {
  source: { type: 'string' },
  destination: { type: 'string' },
  tables: { type: 'string', multiple: true },
  exclude: { type: 'string', multiple: true },
  name: { type: 'string' },
  fix: { type: 'boolean' },
  demo: { type: 'boolean' },
  rate: { type: 'string' },
  'prove-after': { type: 'string' },
  'data-dir': { type: 'string' },
  'ui-port': { type: 'string' },
  'api-port': { type: 'string' },
  'nats-port': { type: 'string' },
  'nats-nodes': { type: 'string' },
  'catalog-port': { type: 'string' },
  'source-port': { type: 'string' },
  'destination-port': { type: 'string' },
} as const;

/** Where a port comes from, for the sentence that says how to choose another one. */
export function portWords(port: keyof Ports): string {
  const [flag, variable] = PORTS[port];
  return `--${flag} (or ${variable})`;
}

/**
 * Reads the command line; a flag wins over its environment variable.
 *
 * @throws UserProblem when it cannot be understood.
 */
export function readOptions(
  words: readonly string[],
  environment: Environment,
  defaultDataDir: string,
): LaunchOptions {
  const flags = parseFlags(words);
  const ports = {
    ui: portOf('ui', flags, environment),
    api: portOf('api', flags, environment),
    nats: portOf('nats', flags, environment),
    catalog: portOf('catalog', flags, environment),
    source: portOf('source', flags, environment),
    destination: portOf('destination', flags, environment),
  };
  if (new Set(Object.values(ports)).size < Object.keys(ports).length) {
    throw new UserProblem(
      'Two of the ports are the same: give each server its own (npm start -- --help lists them).',
    );
  }
  return {
    dataDir: resolve(flags['data-dir'] ?? environment['BUNNY_DATA_DIR'] ?? defaultDataDir),
    ports,
    natsNodes: natsNodesOf(flags['nats-nodes']),
    plan: planOf(flags),
  };
}

type Flags = ReturnType<typeof parseFlags>;

function parseFlags(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: FLAGS, strict: true, allowNegative: true })
      .values;
  } catch (error) {
    const what =
      error instanceof Error
        ? (error.message.split('. ')[0] ?? '')
        : 'the command line is not understood';
    throw new UserProblem(`${what}: npm start -- --help lists what there is.`, error);
  }
}

function planOf(flags: Flags): Plan {
  const { source, destination } = flags;
  if (source === undefined && destination === undefined) {
    const { tables, exclude, name, fix } = flags;
    if ([tables, exclude, name].some((flag) => flag !== undefined) || fix === true) {
      throw new UserProblem(
        '--tables, --exclude, --name and --fix go with --source and --destination: give both URLs too.',
      );
    }
    if (flags.demo === false) return { kind: 'bare' };
    return {
      kind: 'demo',
      transactionsPerSecond: numberOf('rate', flags.rate, 100, WRITERS_RATE_MAX),
      proveAfterSeconds: numberOf('prove-after', flags['prove-after'], 60, PROVE_AFTER_SECONDS_MAX),
    };
  }
  if (source === undefined || destination === undefined) {
    throw new UserProblem('A mirror has two sides: give both --source and --destination.');
  }
  const name = flags.name ?? 'main';
  if (!MIRROR_NAME.test(name)) {
    throw new UserProblem(
      `--name ${name} will not do: small letters, digits, _ and -, 63 at most.`,
    );
  }
  return {
    kind: 'own',
    name,
    source: databaseUrl('source', source),
    destination: databaseUrl('destination', destination),
    fix: flags.fix === true,
    tables: tableNames(flags.tables),
    exclude: tableNames(flags.exclude),
  };
}

function tableNames(lists: readonly string[] = []): readonly string[] {
  return (
    lists
      .flatMap((list) => list.split(','))
      .map((table) => table.trim())
      .filter((table) => table !== '')
      // As psql does: a bare name is one of the schema public.
      .map((table) => (table.includes('.') ? table : `public.${table}`))
  );
}

function databaseUrl(flag: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const known = url !== undefined && ['postgres:', 'postgresql:'].includes(url.protocol);
  if (!known || url.hostname === '' || url.pathname.length < 2) {
    // The URL may hold a password, so it is not repeated.
    throw new UserProblem(
      `--${flag} is no URL like postgresql://user:password@host:5432/database: correct it.`,
    );
  }
  return text;
}

function portOf(port: keyof Ports, flags: Flags, environment: Environment): number {
  const [flag, variable, byDefault] = PORTS[port];
  const text = flags[flag] ?? environment[variable];
  if (text === undefined || text === '') return byDefault;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535) {
    throw new UserProblem(`${portWords(port)} must be a port between 1 and 65535.`);
  }
  return value;
}

function natsNodesOf(text = '1'): number {
  if (NATS_NODES.includes(text)) return Number(text);
  throw new UserProblem(
    `--nats-nodes must be ${NATS_NODES.join(', ')}: a cluster goes on as long as most of its nodes are there.`,
  );
}

function numberOf(flag: string, text: string | undefined, byDefault: number, max: number): number {
  if (text === undefined) return byDefault;
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0 || value > max) {
    throw new UserProblem(`--${flag} must be a number between 0 and ${max}.`);
  }
  return value;
}
