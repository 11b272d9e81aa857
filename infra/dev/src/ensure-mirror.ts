import { quoteIdentifier } from '@bunnydb/pg-model';
import { type ApiClient, ApiRefusal, isRecord } from './api-client.js';
import { fixIdentities } from './fix-identities.js';
import { type FailedCheck, failedChecks, failureWords } from './preflight.js';
import type { Screen } from './screen.js';
import { UserProblem } from './user-problem.js';

export interface MirrorWish {
  readonly name: string;
  readonly source: PeerWish;
  readonly destination: PeerWish;
  /** `schema.table` or patterns; empty for all tables. */
  readonly tables: readonly string[];
  /** Left out of what patterns, or all tables, stand for. */
  readonly exclude: readonly string[];
  /** Whether what is harmless to mend at the source is mended. */
  readonly fix: boolean;
}

export interface PeerWish {
  readonly name: string;
  readonly url: string;
}

/**
 * Makes the peers and the mirror as wished; a mirror that is there goes on.
 *
 * @throws UserProblem that says what is wrong with the databases and how to mend it.
 */
export async function ensureMirror(
  api: ApiClient,
  wish: MirrorWish,
  screen: Screen,
): Promise<void> {
  screen.show(['looking at both databases …'], 'looking at both databases');
  await ensurePeer(api, wish.source);
  await ensurePeer(api, wish.destination);
  const found = await api.find(`/v1/mirrors/${wish.name}`);
  if (found !== undefined) {
    screen.say(`the mirror "${wish.name}" goes on where it stopped`);
    if (isRecord(found) && found['status'] === 'paused') {
      await api.post(`/v1/mirrors/${wish.name}/resume`);
    }
    return;
  }
  await checkPeer(api, 'source', wish.source);
  await checkPeer(api, 'destination', wish.destination);
  const request = {
    name: wish.name,
    source_peer: wish.source.name,
    destination_peer: wish.destination.name,
    ...tablesOf(wish.tables),
    ...(wish.exclude.length === 0 ? {} : { exclude_tables: wish.exclude }),
  };
  await preflight(api, request, wish, screen);
  await api.post('/v1/mirrors', request);
  screen.say(`made the mirror "${wish.name}"`);
}

function tablesOf(tables: readonly string[]): Readonly<Record<string, unknown>> {
  if (tables.length === 0) return { all_tables: true };
  return {
    table_mappings: tables.map((table) =>
      table.includes('*') ? table : { source_table: table, destination_table: table },
    ),
  };
}

/** A known peer is changed only when its URL says something else, since its mirrors then connect anew. */
async function ensurePeer(api: ApiClient, { name, url }: PeerWish): Promise<void> {
  const path = `/v1/peers/${name}`;
  const found = await api.find(path);
  if (found === undefined) {
    await api.post('/v1/peers', { name, url });
  } else if (!isSamePlace(found, url) || (await testPeer(api, name))['success'] !== true) {
    await api.put(path, { url });
  }
}

function isSamePlace(found: unknown, url: string): boolean {
  const { hostname, port, username, pathname } = new URL(url);
  return (
    isRecord(found) &&
    found['host'] === hostname &&
    found['port'] === Number(port === '' ? 5432 : port) &&
    found['user'] === decodeURIComponent(username) &&
    found['database'] === decodeURIComponent(pathname.slice(1))
  );
}

async function testPeer(api: ApiClient, name: string): Promise<Readonly<Record<string, unknown>>> {
  const answer = await api.post(`/v1/peers/${name}/test`);
  return isRecord(answer) ? answer : {};
}

/** One sentence for what most often stands in the way. */
async function checkPeer(
  api: ApiClient,
  role: 'source' | 'destination',
  { name, url }: PeerWish,
): Promise<void> {
  const test = await testPeer(api, name);
  const where = placeOf(url);
  if (test['success'] !== true) {
    const words = [test['error'], test['hint']].filter((part) => typeof part === 'string');
    throw new UserProblem(`The ${role} at ${where} cannot be used: ${words.join('. ')}`);
  }
  if (role === 'destination') return;
  if (test['is_standby'] === true) {
    throw new UserProblem(`The source at ${where} is a standby: name its primary.`);
  }
  if (typeof test['wal_level'] === 'string' && test['wal_level'] !== 'logical') {
    throw new UserProblem(
      `The source at ${where} has wal_level = ${test['wal_level']}: run ALTER SYSTEM SET wal_level = logical there and restart it.`,
    );
  }
  if (test['can_replicate'] === false) {
    const user = decodeURIComponent(new URL(url).username);
    throw new UserProblem(
      `The user ${user} may not replicate from the source at ${where}: run ALTER ROLE ${quoteIdentifier(user)} REPLICATION there.`,
    );
  }
}

/** Host, port and database; never the user's password. */
function placeOf(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port === '' ? '5432' : port}${pathname}`;
}

/** Checks the mirror before it is made; mends what is harmless to mend if the user wishes so. */
async function preflight(
  api: ApiClient,
  request: Readonly<Record<string, unknown>>,
  wish: MirrorWish,
  screen: Screen,
): Promise<void> {
  let failed = await validate(api, request);
  const fixed = new Set<string>();
  while (wish.fix && failed.length > 0) {
    // The gateway names so many tables at a time; a statement that did not help is not run again.
    const statements = failed
      .flatMap(({ identityStatements }) => identityStatements)
      .filter((statement) => !fixed.has(statement));
    if (statements.length === 0) break;
    await fixIdentities(wish.source.url, statements);
    for (const statement of statements) {
      fixed.add(statement);
      screen.say(`ran at the source: ${statement}`);
    }
    failed = await validate(api, request);
  }
  if (failed.length > 0) throw new UserProblem(failureWords(failed));
}

async function validate(
  api: ApiClient,
  request: Readonly<Record<string, unknown>>,
): Promise<FailedCheck[]> {
  try {
    return failedChecks(await api.post('/v1/mirrors/validate', request));
  } catch (error) {
    if (!(error instanceof ApiRefusal)) throw error;
    const failed = failedChecks(error.body);
    if (failed.length > 0) return failed;
    throw new UserProblem(`The mirror cannot be made: ${error.message}`, error);
  }
}
