import { setTimeout as sleep } from 'node:timers/promises';
import { FailureKind, MirrorError } from '@bunnydb/failure';
import { sqlstateOf, toMirrorError } from '@bunnydb/pg-client';
import { type QualifiedName, formatQualifiedName, quoteQualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import { buildShadowStatements } from '../core/shadow-build.js';
import { type SwapPair, type SwapPlan, planSwap } from '../core/shadow-swap.js';
import { type ShadowedTable, refuseObstacles } from '../core/shadowed-table.js';
import type { TableFacts } from '../core/table-facts.js';
import type { CompareOptions } from './compare-structure.js';
import { readTableFacts } from './read-table-facts.js';
import { waitForOlderSnapshots } from './wait-for-older-snapshots.js';

/**
 * Puts loaded shadows in the place of their tables.
 *
 * 1. What the table has and the shadow lacks is built on the shadow, which takes as long as it takes.
 * 2. Transactions that began before the rows came in would see an empty table; their end is waited for, within limits.
 * 3. One transaction locks the tables, looks whether they are still what they were in step 1, and exchanges them. It waits for its locks only briefly and
 *    tries again, since everybody queues behind one who waits. `_bunny.shadow_table.swapped_at` is written with it, so that a swap whose answer
 *    was lost is not an error when it is asked for again; so are the foreign keys that remain to be validated.
 *
 * A crash before the commit leaves the old tables as they were and the shadows half built, to be built on by the next try.
 */
export async function swapShadows(
  client: pg.Client,
  options: CompareOptions,
  tables: readonly ShadowedTable[],
): Promise<void> {
  const { spec, signal } = options;
  const left = await withoutSwapped(client, spec.id, tables);
  if (left.length === 0) return;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const pairs = await readPairs(client, left);
    for (const pair of pairs) await buildShadow(client, pair, signal);
    await waitForOlderSnapshots(client, signal);
    const outcome = await exchange(client, spec.id, left, pairs, signal);
    if (outcome === 'swapped') return;
  }
  throw new MirrorError(
    FailureKind.SerializationConflict,
    'the table was altered again and again while it was about to be swapped',
    { detail: { tables: left.map((table) => formatQualifiedName(table.destination)) } },
  );
}

async function withoutSwapped(
  client: pg.Client,
  mirrorId: string,
  tables: readonly ShadowedTable[],
): Promise<readonly ShadowedTable[]> {
  const { rows } = await client.query<QualifiedName & { swapped: boolean }>(
    `select destination_schema as schema, destination_table as table, swapped_at is not null as swapped
       from _bunny.shadow_table where mirror_id = $1`,
    [mirrorId],
  );
  return tables.filter(({ destination }) => {
    const known = rows.find(
      (row) => row.schema === destination.schema && row.table === destination.table,
    );
    if (known === undefined) throw noShadow(destination);
    return !known.swapped;
  });
}

async function readPairs(
  client: pg.Client,
  tables: readonly ShadowedTable[],
): Promise<readonly SwapPair[]> {
  const pairs: SwapPair[] = [];
  for (const { destination, shadow } of tables) {
    const facts = await readTableFacts(client, destination);
    const shadowFacts = await readTableFacts(client, shadow);
    if (facts === undefined || shadowFacts === undefined) throw noShadow(destination);
    refuseObstacles(facts);
    if (!isSame(facts.shape, shadowFacts.shape)) {
      throw new MirrorError(
        FailureKind.SchemaMismatch,
        'the table has other columns by now than its shadow: it has to be copied anew',
        { detail: { table: formatQualifiedName(destination) } },
      );
    }
    pairs.push({ table: facts, shadow: shadowFacts });
  }
  return pairs;
}

async function buildShadow(client: pg.Client, pair: SwapPair, signal: AbortSignal): Promise<void> {
  await client.query(`set lock_timeout = ${BUILD_LOCK_TIMEOUT_MS}`);
  for (const statement of buildShadowStatements(pair.table, pair.shadow)) {
    signal.throwIfAborted();
    try {
      await client.query(statement);
    } catch (error) {
      throw toMirrorError(error, {
        role: 'destination',
        step: 'build the shadow table',
        table: formatQualifiedName(pair.table.name),
      });
    }
  }
}

/** `altered`: what was built does not fit the table any more, and is built again. */
async function exchange(
  client: pg.Client,
  mirrorId: string,
  tables: readonly ShadowedTable[],
  pairs: readonly SwapPair[],
  signal: AbortSignal,
): Promise<'swapped' | 'altered'> {
  const deadline = Date.now() + BUSY_DEADLINE_MS;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await tryExchange(client, mirrorId, tables, pairs);
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      const failure = swapFailure(error, tables);
      if (!BUSY.has(failure.kind) || Date.now() >= deadline) throw failure;
    }
    await sleep(BUSY_PAUSE_MS * (0.5 + Math.random()), undefined, { signal });
  }
}

async function tryExchange(
  client: pg.Client,
  mirrorId: string,
  tables: readonly ShadowedTable[],
  pairs: readonly SwapPair[],
): Promise<'swapped' | 'altered'> {
  await client.query('begin');
  await client.query(`set local lock_timeout = ${SWAP_LOCK_TIMEOUT_MS}`);
  await client.query(`lock table ${lockList(pairs)} in access exclusive mode`);
  const now: SwapPair[] = [];
  for (const { table, shadow } of pairs) {
    const facts = await readTableFacts(client, table.name);
    const shadowFacts = await readTableFacts(client, shadow.name);
    if (facts === undefined || shadowFacts === undefined || !isSame(facts, table)) {
      await client.query('rollback');
      return 'altered';
    }
    now.push({ table: facts, shadow: shadowFacts });
  }
  const plan = planSwap(now);
  // In one message: everybody waits until all of it is done.
  await client.query(plan.statements.join(';\n'));
  await recordSwap(client, mirrorId, tables, plan);
  await client.query('commit');
  return 'swapped';
}

async function recordSwap(
  client: pg.Client,
  mirrorId: string,
  tables: readonly ShadowedTable[],
  { keysToValidate }: SwapPlan,
): Promise<void> {
  for (const { destination } of tables) {
    await client.query(
      `update _bunny.shadow_table set swapped_at = pg_catalog.now()
        where mirror_id = $1 and destination_schema = $2 and destination_table = $3`,
      [mirrorId, destination.schema, destination.table],
    );
  }
  for (const key of keysToValidate) {
    await client.query(
      `insert into _bunny.foreign_key
         (mirror_id, table_schema, table_name, constraint_name, referenced_schema, referenced_table, definition)
       values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (mirror_id, table_schema, table_name, constraint_name)
       do update set definition = excluded.definition, recorded_at = pg_catalog.now(), attempts = 0, next_try_at = pg_catalog.now()`,
      [
        mirrorId,
        key.schema,
        key.table,
        key.name,
        key.referencedSchema,
        key.referencedTable,
        key.definition,
      ],
    );
  }
}

/** Everything whose rows or keys the exchange touches, always in the same order. */
function lockList(pairs: readonly SwapPair[]): string {
  const names = pairs.flatMap(({ table, shadow }) => [
    quoteQualifiedName(table.name),
    quoteQualifiedName(shadow.name),
    ...table.inboundKeys.map(quoteQualifiedName),
  ]);
  return [...new Set(names)].toSorted().join(', ');
}

function swapFailure(error: unknown, tables: readonly ShadowedTable[]): MirrorError {
  const failure = toMirrorError(error, {
    role: 'destination',
    step: 'swap the tables',
    tables: tables.map((table) => formatQualifiedName(table.destination)),
  });
  if (sqlstateOf(error) !== DEPENDENTS_EXIST) return failure;
  return new MirrorError(
    FailureKind.SwapRefused,
    'something that cannot be carried along depends on the table',
    { detail: failure.detail, cause: error },
  );
}

function noShadow(table: QualifiedName): MirrorError {
  return new MirrorError(FailureKind.TableMissing, 'the table has no shadow to be swapped for', {
    detail: { table: formatQualifiedName(table) },
  });
}

/** Facts are JSON, and read by the same statement. */
function isSame(one: TableFacts | TableFacts['shape'], other: typeof one): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

const BUSY: ReadonlySet<FailureKind> = new Set([
  FailureKind.LockTimeout,
  FailureKind.SerializationConflict,
]);
const DEPENDENTS_EXIST = '2BP01';
const ROUNDS_MAX = 3;
/** Nobody but the lane knows of the shadow. */
const BUILD_LOCK_TIMEOUT_MS = 60_000;
/** Shorter than deadlock_timeout, so that we step back before the applier is made to. */
const SWAP_LOCK_TIMEOUT_MS = 300;
const BUSY_DEADLINE_MS = 60_000;
const BUSY_PAUSE_MS = 200;
