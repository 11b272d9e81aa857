import {
  DEFAULT_MIRROR_OPTIONS,
  type FollowOutcome,
  type MirrorSpec,
  type SchemaFollowReply,
  type SchemaFollowRequest,
  type TableMapping,
} from '@bunnydb/contracts';
import { FailureKind, type FailureReport, faultPoint, reportOf } from '@bunnydb/failure';
import { type QualifiedName, formatQualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import type { ColumnNames } from '../core/column-names.js';
import type { FollowFacts } from '../core/follow-facts.js';
import { type FollowPlan, planFollow } from '../core/follow-plan.js';
import { followedParts } from '../core/follow-step.js';
import { isInDoubt } from '../core/late-columns.js';
import { keyOf } from '../core/relation-facts.js';
import { withCatalogRetries } from './catalog-race.js';
import { forgetColumnNames, noteColumnNames, readColumnNames } from './column-names.js';
import { followDrops } from './follow-drops.js';
import { readFollowedOids } from './followed-oids.js';
import type { FollowSession, FollowSessions } from './follow-sessions.js';
import { FollowedTypes } from './followed-types.js';
import { makeFollowStep, withFollowLock, withLockRetries } from './make-follow-step.js';
import {
  type FollowedSource,
  readFollowedDestination,
  readFollowedSource,
  readNullColumns,
} from './read-follow.js';

type FollowedTable = SchemaFollowReply & { readonly ok: true };

/**
 * Follows the structure of a few tables at one place in the stream: everything before it is applied, and the stream waits for the answer. Both catalogs are
 * compared, what is safe and quick is made, each in a transaction of its own, and the answer says what becomes of each table. Nothing is remembered but
 * what columns are called, so that it may be asked again, and at the same time.
 *
 *     mark ──► read source (one snapshot), destination, names ──► plan per table ──► make steps ──► note names ──► outcome
 *
 * A step that fails although nobody holds a lock is planned once more: somebody else may have made it. A lock that cannot be had in a few seconds holds the table, so
 * that the others go on.
 *
 * @throws MirrorError when a server cannot be worked with.
 */
export async function followTables(
  sessions: FollowSessions,
  request: SchemaFollowRequest,
): Promise<SchemaFollowReply> {
  const { spec, tables } = request;
  const options = { ...DEFAULT_MIRROR_OPTIONS, ...spec.options };
  const mappings = mappingsOf(request);
  if (options.schema_changes === 'ignore' || (mappings.length === 0 && !isOfType(request))) {
    return { ok: true, tables: tables.map(followed), made: [], pending: 0 };
  }
  return await sessions.use(spec, (session) =>
    withFollowLock(session.destination, spec, async () => {
      try {
        return await follow(session, request, mappings);
      } catch (error) {
        const failure = reportOf(error);
        if (failure.kind !== FailureKind.LockTimeout) throw error;
        return holdAll(request, failure);
      }
    }),
  );
}

/** Somebody holds the tables: they are tried again later, and the others go on. */
function holdAll({ tables }: SchemaFollowRequest, failure: FailureReport): FollowedTable {
  const outcome: FollowOutcome = { tag: 'hold', failure };
  return { ok: true, tables: tables.map((table) => ({ table, outcome })), made: [], pending: 0 };
}

async function follow(
  session: FollowSession,
  request: SchemaFollowRequest,
  mappings: readonly TableMapping[],
): Promise<FollowedTable> {
  const made: string[] = [];
  const once = (): Promise<FollowRun> =>
    withCatalogRetries(() => followOnce(session, request, mappings, made));
  let run = await once();
  // What failed may have been made by somebody else, who compares at the same time.
  if (run.retry) run = await once();
  const outcomes = new Map(run.tables.map((entry) => [keyOf(entry.table), entry.outcome]));
  return {
    ok: true,
    tables: request.tables.map((table) => ({
      table,
      outcome: outcomes.get(keyOf(table)) ?? FOLLOWED,
    })),
    made,
    pending: run.pending,
  };
}

interface FollowRun {
  readonly tables: FollowedTable['tables'];
  readonly pending: number;
  readonly retry: boolean;
}

async function followOnce(
  session: FollowSession,
  request: SchemaFollowRequest,
  mappings: readonly TableMapping[],
  made: string[],
): Promise<FollowRun> {
  const { spec, cause } = request;
  const parts = followedParts(spec);
  const madeBefore = made.length;
  const noteRules = await followDrops(session, request, mappings, made);
  const names = mappings.map((mapping) => mapping.source);
  const [source, destination] = await Promise.all([
    withLockRetries('source', () =>
      readFollowedSource(session.source, sourceNames(request, names), cause),
    ),
    withLockRetries('destination', () =>
      readFollowedDestination(
        session.destination,
        mappings.map((mapping) => mapping.destination),
      ),
    ),
  ]);
  const known = await readColumnNames(session.destination, spec, names);
  const oids = await readFollowedOids(session.destination, spec, names);
  const types = new FollowedTypes(session.destination, spec, source.types);
  const table = formatQualifiedName(names[0] ?? EMPTY);
  let pending = await types.follow(parts, mayBeBehindLabels(request), table, made);
  const tables: { table: QualifiedName; outcome: FollowOutcome }[] = [];
  let retry = false;
  for (const mapping of mappings) {
    const facts = await factsOf(mapping, request, source, destination, known, oids, session.source);
    const plan = planFollow(facts, parts);
    const failure = await makePlan(session.destination, spec, facts, plan, made);
    pending += plan.pending;
    retry ||= failure !== null && failure.kind !== FailureKind.LockTimeout;
    tables.push({ table: mapping.source, outcome: outcomeOf(plan, failure) });
  }
  if (made.length > madeBefore) {
    await noteRules();
    await types.note();
  }
  return { tables, pending, retry };
}

/** Makes the steps of a table; the failure of the first that rows need and that cannot be made. */
async function makePlan(
  client: pg.Client,
  spec: MirrorSpec,
  { mapping }: FollowFacts,
  plan: FollowPlan,
  made: string[],
): Promise<FailureReport | null> {
  const table = formatQualifiedName(mapping.destination);
  let failure: FailureReport | null = null;
  for (const step of plan.steps) {
    const refused = await makeFollowStep(client, step, table);
    if (refused === null) made.push(step.what);
    else if (step.isNeeded) failure ??= refused;
    faultPoint('schema.between_changes');
  }
  if (plan.forgetsNames) await forgetColumnNames(client, spec, mapping.source);
  // A name that went from one column to another is the former's still, as long as the rename is not made.
  else if (plan.blocked !== null || failure !== null) return failure;
  const { source, destination, exclude_columns: absent } = mapping;
  await noteColumnNames(client, spec, [{ source, destination, absent, columns: plan.names }]);
  return failure;
}

function outcomeOf(plan: FollowPlan, failure: FailureReport | null): FollowOutcome {
  const why = plan.blocked ?? failure;
  if (why !== null) return { tag: 'hold', failure: why };
  return plan.recopy === null ? FOLLOWED : { tag: 'recopy', reason: plan.recopy };
}

async function factsOf(
  mapping: TableMapping,
  { cause, tables }: SchemaFollowRequest,
  source: FollowedSource,
  destination: Awaited<ReturnType<typeof readFollowedDestination>>,
  known: ColumnNames,
  oids: ReadonlyMap<string, number>,
  sourceClient: pg.Client,
): Promise<FollowFacts> {
  const key = keyOf(mapping.source);
  const table = source.tables.get(key) ?? null;
  const theirs = destination.get(keyOf(mapping.destination)) ?? null;
  const names = known.of(mapping.source);
  // A table that was renamed is asked for by the name that the mirror has for it.
  const isMarked =
    cause.kind === 'relation' && (tables.length === 1 || keyOf(markName(cause)) === key);
  const mark = isMarked ? cause : null;
  const isMoved = mark !== null && source.place !== null && keyOf(source.place) !== key;
  const present = new Set(theirs?.columns.map((column) => column.name));
  const asked = (table?.wasRewritten === true ? table.columns : []).filter(
    (column) =>
      !present.has(column.name) &&
      !names.columns.some((other) => other.number === column.number) &&
      !mapping.exclude_columns.includes(column.name) &&
      isInDoubt(column),
  );
  return {
    mapping,
    names,
    source: table,
    destination: theirs,
    shape: mark && source.shape ? { oid: mark.oid, columns: source.shape } : null,
    movedTo: isMoved && table?.oid !== mark.oid ? source.place : null,
    followedOid: oids.get(key) ?? null,
    nullColumns: await readNullColumns(
      sourceClient,
      mapping.source,
      asked.map((column) => column.name),
    ),
  };
}

/** The mirror's tables among those asked for, or that hang on the type that a DDL command changed. */
function mappingsOf({ spec, tables }: SchemaFollowRequest): readonly TableMapping[] {
  const asked = new Set(tables.map(keyOf));
  return spec.tables.filter((mapping) => asked.has(keyOf(mapping.source)));
}

/** A type belongs to no table: those of all tables are looked at. */
function sourceNames(
  request: SchemaFollowRequest,
  names: readonly QualifiedName[],
): readonly QualifiedName[] {
  return isOfType(request) ? request.spec.tables.map((mapping) => mapping.source) : names;
}

/** Whether a label may have another name from here on: a type was altered, or a value was refused. */
function mayBeBehindLabels(request: SchemaFollowRequest): boolean {
  const { cause } = request;
  const isRefused = cause.kind === 'refused' && cause.failure.kind === FailureKind.ValueRejected;
  return isRefused || isOfType(request);
}

function isOfType({ cause }: SchemaFollowRequest): boolean {
  return cause.kind === 'ddl' && cause.objects.some((object) => object.type === 'type');
}

function markName({ schema, table }: QualifiedName): QualifiedName {
  return { schema, table };
}

const FOLLOWED: FollowOutcome = { tag: 'followed' };
const followed = (table: QualifiedName): FollowedTable['tables'][number] => ({
  table,
  outcome: FOLLOWED,
});
const EMPTY: QualifiedName = { schema: '', table: '' };
