import type { MirrorSpec, TableMapping } from '@bunnydb/contracts';
import { FailureKind, MirrorError, faultPoint } from '@bunnydb/failure';
import { toMirrorError } from '@bunnydb/pg-client';
import { type QualifiedName, formatQualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import { isForEmptyTable } from '../core/build-phases.js';
import type { CatalogModel, TableModel } from '../core/catalog-model.js';
import { planTypes } from '../core/follow-types.js';
import {
  type DestinationState,
  type ProvisionPlan,
  type ProvisionStep,
  planProvision,
} from '../core/provision-plan.js';
import { keyOf } from '../core/relation-facts.js';
import { typeKey } from '../core/type-order.js';
import { compareWith, readSourceStructure } from './compare-structure.js';
import { noteFirstColumnNames } from './column-names.js';
import { readEnumLabels } from './enum-labels.js';
import { makeChange } from './make-change.js';
import { type OpenSecret, withPeer } from './peer-session.js';
import { readCatalog } from './read-catalog.js';
import { readDestinationState } from './read-destination-state.js';
import { noteFirstNumbers } from './source-table-book.js';
import { renameDestinations } from './rename-destinations.js';

export interface ProvisionOptions {
  readonly spec: MirrorSpec;
  readonly openSecret: OpenSecret;
  readonly signal: AbortSignal;
}

/**
 * Makes every destination table of a mirror that is missing, with what it needs. Each object is made in a transaction of its own and looked
 * for first, so that a run that was cut off goes on where it stopped.
 *
 * A mirror that carries tables already is not kept from changing them by one that does not fit: the stream may be behind the source, a table may have gone again since it was seen, and
 * whoever copies a table says what is wrong with it, while the others go on.
 *
 * @throws MirrorError `schema_mismatch` with all that stands in the way, before anything is changed.
 */
export async function provisionTables(options: ProvisionOptions): Promise<ProvisionPlan> {
  const { spec, openSecret, signal } = options;
  const names = spec.tables.map((table) => table.source);
  const { model, numbers } = await withPeer(
    { peer: spec.source, role: 'source', openSecret, signal },
    async (client) => ({
      model: await readCatalog(client, names),
      numbers: await readNumbers(client, names),
    }),
  );
  return await withPeer(
    { peer: spec.destination, role: 'destination', openSecret, signal },
    async (client) => {
      // Two mirrors that need the same type must not both find it missing.
      await client.query(`select pg_advisory_lock(${PROVISION_LOCK_KEY})`);
      await renameDestinations(client, spec);
      const state = await readDestinationState(client, functionsOf(model));
      const plan = planProvision(model, spec.tables, state);
      const carried = await readCarriedTables(client, spec);
      if (carried.size > 0) await addLabels(client, spec, model, state);
      else refuseFindings(plan);
      // A table that is carried may be another one by now, which its watch finds out.
      const fresh = numbers.filter(({ source }) => !carried.has(keyOf(source)));
      await noteFirstNumbers(client, spec, fresh);
      const notes = new ColumnNotes(client, spec, model);
      for (const step of plan.steps) {
        signal.throwIfAborted();
        await runStep(client, step, notes);
      }
      if (plan.created.length > 0) await setOptions(client, options);
      await notes.note(fresh.map(({ source }) => source));
      return plan;
    },
  );
}

/** How values are stored and how full pages get has to be set before rows come. What fails here is found and told by the build after the copy. */
async function setOptions(client: pg.Client, options: ProvisionOptions): Promise<void> {
  const source = await readSourceStructure(options);
  const { changes } = await compareWith(source, options, client);
  for (const change of changes.filter(isForEmptyTable)) {
    options.signal.throwIfAborted();
    await makeChange(client, change, options.signal);
  }
}

async function runStep(client: pg.Client, step: ProvisionStep, notes: ColumnNotes): Promise<void> {
  try {
    await client.query('begin');
    for (const statement of step.statements) await client.query(statement);
    if (step.kind === 'table') await notes.noteDestination(step.name);
    await client.query('commit');
  } catch (error) {
    throw toMirrorError(error, {
      role: 'destination',
      step: `create ${step.kind}`,
      object: step.name,
    });
  }
  if (step.kind === 'table') faultPoint('schema.between_tables');
}

/** Notes what columns were called when tables were made: by that they are known again, should the source rename or drop one before the first copy. */
class ColumnNotes {
  readonly #client: pg.Client;
  readonly #spec: MirrorSpec;
  readonly #tables: ReadonlyMap<string, TableModel>;
  readonly #mappings: ReadonlyMap<string, TableMapping>;

  constructor(client: pg.Client, spec: MirrorSpec, model: CatalogModel) {
    this.#client = client;
    this.#spec = spec;
    this.#tables = new Map(model.tables.map((table) => [keyOf(table.name), table]));
    this.#mappings = new Map(
      spec.tables.map((mapping) => [formatQualifiedName(mapping.destination), mapping]),
    );
  }

  async note(sources: readonly QualifiedName[], spec = this.#spec): Promise<void> {
    const tables = sources.flatMap((source) => this.#tables.get(keyOf(source)) ?? []);
    await noteFirstColumnNames(this.#client, spec, tables);
  }

  /** A table that is made, in the transaction that makes it. */
  async noteDestination(name: string): Promise<void> {
    const mapping = this.#mappings.get(name);
    if (mapping) await this.note([mapping.source], { ...this.#spec, tables: [mapping] });
  }
}

function refuseFindings({ findings }: ProvisionPlan): void {
  if (findings.length === 0) return;
  throw new MirrorError(
    FailureKind.SchemaMismatch,
    'the destination does not fit the tables of the mirror',
    {
      detail: {
        problems: findings.map((finding) => finding.detail),
        fixes: findings.map((finding) => finding.fix),
      },
    },
  );
}

/** By its number a table is known again under another name. */
async function readNumbers(
  client: pg.Client,
  names: readonly QualifiedName[],
): Promise<readonly { readonly source: QualifiedName; readonly oid: number }[]> {
  const { rows } = await client.query<QualifiedName & { oid: number }>(
    `select n.nspname as schema, c.relname as table, c.oid::int8::float8 as oid
       from unnest($1::text[], $2::text[]) as w (schema_name, table_name)
       join pg_namespace n on n.nspname = w.schema_name
       join pg_class c on c.relnamespace = n.oid and c.relname = w.table_name and c.relkind in ('r', 'p')`,
    [names.map((name) => name.schema), names.map((name) => name.table)],
  );
  return rows.map(({ schema, table, oid }) => ({ source: { schema, table }, oid }));
}

/** Tables that the mirror carries already, by `keyOf`. */
async function readCarriedTables(
  client: pg.Client,
  spec: MirrorSpec,
): Promise<ReadonlySet<string>> {
  const { rows: there } = await client.query<{ present: boolean }>(
    `select pg_catalog.to_regclass('_bunny.table_state') is not null as present`,
  );
  if (there[0]?.present !== true) return new Set();
  const { rows } = await client.query<QualifiedName>(
    `select source_schema as schema, source_table as table from _bunny.table_state where mirror_id = $1`,
    [spec.id],
  );
  return new Set(rows.map(keyOf));
}

/** Labels of enums that are there: nobody else looks at a type that none of the mirror's tables has yet. */
async function addLabels(
  client: pg.Client,
  spec: MirrorSpec,
  model: CatalogModel,
  state: DestinationState,
): Promise<void> {
  const present = model.types.filter((type) => state.types.has(typeKey(type)));
  const known = await readEnumLabels(client, spec);
  for (const step of planTypes(present, state.types, known, false)) {
    await client.query(step.sql.join(';\n'));
  }
}

function functionsOf(model: CatalogModel): readonly string[] {
  const columns = model.tables.flatMap((table) => table.columns);
  return [...new Set(columns.flatMap((column) => column.functions))];
}

/** "schema" in ASCII: one provisioning at a time per destination database. The lock goes with the session. */
const PROVISION_LOCK_KEY = 0x736368656d61;
