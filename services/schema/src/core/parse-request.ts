import {
  DEFAULT_MIRROR_OPTIONS,
  type MirrorSpec,
  type PeerConnection,
  type PeerTablesRequest,
  type PeerTestRequest,
  type SchemaDiffRequest,
  type SchemaShadowRequest,
  type SchemaSwapCheckRequest,
  type SchemaSyncRequest,
  SSL_MODES,
  type SslMode,
  type TableWish,
  type ValidateRequest,
} from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import { parseNamePattern } from '@bunnydb/pg-model';

/** Requests come from anyone who can reach the subject, people with the NATS CLI among them: their shape is checked once, here. */

/** @throws MirrorError `invalid_input` with the path of what is wrong. */
export function parsePeerRequest(value: unknown): PeerTestRequest & PeerTablesRequest {
  return { peer: parsePeer(record(value, 'request')['peer'], 'peer') };
}

/** @throws MirrorError `invalid_input` with the path of what is wrong. */
export function parseValidateRequest(value: unknown): ValidateRequest {
  const request = record(value, 'request');
  const wishes = request['wishes'] ?? [];
  if (!Array.isArray(wishes)) throw invalid('wishes', 'a list');
  return {
    name: optionalString(request, 'name') ?? '',
    source: parsePeer(request['source'], 'source'),
    destination: parsePeer(request['destination'], 'destination'),
    wishes: wishes.map((wish, index) => parseWish(wish, `wishes[${index}]`)),
    all_tables: request['all_tables'] === true,
    options: { ...DEFAULT_MIRROR_OPTIONS, ...record(request['options'] ?? {}, 'options') },
    publication_name: optionalString(request, 'publication_name'),
    replication_slot_name: optionalString(request, 'replication_slot_name'),
  };
}

/** What a request about a mirror's structure names it by, and the wishes of a synchronisation. */
export type StructureRequest = Pick<SchemaDiffRequest, 'mirror' | 'spec'> &
  Pick<SchemaSyncRequest, 'changes' | 'include' | 'allow_destructive' | 'dry_run'>;

/** @throws MirrorError `invalid_input` with the path of what is wrong. */
export function parseStructureRequest(value: unknown): StructureRequest {
  const request = record(value, 'request');
  const spec = request['spec'];
  return {
    mirror: optionalString(request, 'mirror'),
    spec: spec === undefined || spec === null ? undefined : parseSpec(spec),
    changes: optionalList(request, 'changes'),
    include: optionalList(request, 'include'),
    allow_destructive: request['allow_destructive'] === true,
    dry_run: request['dry_run'] === true,
  };
}

/** @throws MirrorError `invalid_input` with the path of what is wrong. */
export function parseShadowRequest(value: unknown): SchemaShadowRequest {
  const request = record(value, 'request');
  const action = SHADOW_ACTIONS.find((candidate) => candidate === request['action']);
  if (action === undefined) throw invalid('action', `one of ${SHADOW_ACTIONS.join(', ')}`);
  return { ...parseTablesOf(request), action };
}

/** @throws MirrorError `invalid_input` with the path of what is wrong. */
export function parseSwapCheckRequest(value: unknown): SchemaSwapCheckRequest {
  return parseTablesOf(record(value, 'request'));
}

function parseTablesOf(
  request: Readonly<Record<string, unknown>>,
): Pick<SchemaShadowRequest, 'spec' | 'tables'> {
  const tables = request['tables'];
  if (!Array.isArray(tables)) throw invalid('tables', 'a list');
  return {
    spec: parseSpec(request['spec']),
    tables: tables.map((table: unknown, index) => {
      const path = `tables[${index}]`;
      const name = record(table, path);
      return {
        schema: requiredString(name, 'schema', path),
        table: requiredString(name, 'table', path),
      };
    }),
  };
}

/** A spec comes from control, which wrote it; only that it is one is checked. */
function parseSpec(value: unknown): MirrorSpec {
  const spec = record(value, 'spec');
  for (const key of ['id', 'name']) requiredString(spec, key, 'spec');
  parsePeer(spec['source'], 'spec.source');
  parsePeer(spec['destination'], 'spec.destination');
  if (!Array.isArray(spec['tables'])) throw invalid('spec.tables', 'a list');
  record(spec['options'], 'spec.options');
  return spec as unknown as MirrorSpec;
}

function optionalList(
  from: Readonly<Record<string, unknown>>,
  key: string,
): readonly string[] | undefined {
  const value = from[key];
  if (value === undefined || value === null) return undefined;
  if (!isStringList(value)) throw invalid(key, 'a list of texts');
  return value;
}

function parsePeer(value: unknown, path: string): PeerConnection {
  const peer = record(value, path);
  const port = peer['port'] ?? DEFAULT_PORT;
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw invalid(`${path}.port`, 'a port number');
  }
  return {
    name: optionalString(peer, 'name', path) ?? '',
    host: requiredString(peer, 'host', path),
    port,
    user: requiredString(peer, 'user', path),
    database: requiredString(peer, 'database', path),
    password: optionalString(peer, 'password', path),
    ssl_mode: parseSslMode(peer['ssl_mode'] ?? 'prefer', path),
    ssl_root_cert: optionalString(peer, 'ssl_root_cert', path),
    ssl_cert: optionalString(peer, 'ssl_cert', path),
    ssl_key: optionalString(peer, 'ssl_key', path),
  };
}

function parseSslMode(value: unknown, path: string): SslMode {
  const mode = SSL_MODES.find((candidate) => candidate === value);
  if (mode === undefined) throw invalid(`${path}.ssl_mode`, `one of ${SSL_MODES.join(', ')}`);
  return mode;
}

function parseWish(value: unknown, path: string): TableWish {
  const wish = record(value, path);
  const excluded = wish['exclude_columns'];
  if (excluded !== undefined && !isStringList(excluded)) {
    throw invalid(`${path}.exclude_columns`, 'a list of column names');
  }
  const except = wish['except'];
  if (except !== undefined && !(isStringList(except) && except.every(parseNamePattern))) {
    throw invalid(`${path}.except`, 'a list of table names and patterns');
  }
  return {
    source: requiredString(wish, 'source', path),
    destination: optionalString(wish, 'destination', path),
    exclude_columns: excluded,
    row_filter: optionalString(wish, 'row_filter', path),
    except,
  };
}

function record(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(path, 'an object');
  }
  return { ...value };
}

function requiredString(
  from: Readonly<Record<string, unknown>>,
  key: string,
  path: string,
): string {
  const value = from[key];
  if (typeof value !== 'string' || value === '') throw invalid(`${path}.${key}`, 'a text');
  return value;
}

function optionalString(
  from: Readonly<Record<string, unknown>>,
  key: string,
  path = 'request',
): string | undefined {
  const value = from[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw invalid(`${path}.${key}`, 'a text');
  return value;
}

function isStringList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}

function invalid(path: string, expected: string): MirrorError {
  return new MirrorError('invalid_input', 'the request has not the shape that is expected', {
    detail: { path, expected },
  });
}

const SHADOW_ACTIONS = ['create', 'swap', 'drop'] as const;
const DEFAULT_PORT = 5432;
