import type { MirrorSpec } from '@bunnydb/contracts';
import { FailureKind, MirrorError, faultPoint } from '@bunnydb/failure';
import { toMirrorError } from '@bunnydb/pg-client';
import type pg from 'pg';
import { isForEmptyTable } from '../core/build-phases.js';
import type { CatalogModel } from '../core/catalog-model.js';
import { keyOf } from '../core/relation-facts.js';
import { type ProvisionPlan, type ProvisionStep, planProvision } from '../core/provision-plan.js';
import { compareWith, readSourceStructure } from './compare-structure.js';
import { makeChange } from './make-change.js';
import { type OpenSecret, withPeer } from './peer-session.js';
import { readCatalog } from './read-catalog.js';
import { readDestinationState } from './read-destination-state.js';
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
 * @throws MirrorError `schema_mismatch` with all that stands in the way, before anything is changed.
 */
export async function provisionTables(options: ProvisionOptions): Promise<ProvisionPlan> {
  const { spec, openSecret, signal } = options;
  const names = spec.tables.map((table) => table.source);
  const model = await withPeer(
    { peer: spec.source, role: 'source', openSecret, signal },
    (client) => readCatalog(client, names),
  );
  return await withPeer(
    { peer: spec.destination, role: 'destination', openSecret, signal },
    async (client) => {
      // Two mirrors that need the same type must not both find it missing.
      await client.query(`select pg_advisory_lock(${PROVISION_LOCK_KEY})`);
      await renameDestinations(client, spec);
      const state = await readDestinationState(client, functionsOf(model));
      const carried = await readCarriedTables(client, spec.id);
      const plan = planProvision(model, spec.tables, { ...state, carried });
      refuseFindings(plan);
      for (const step of plan.steps) {
        signal.throwIfAborted();
        await runStep(client, step);
      }
      if (plan.created.length > 0) await setOptions(client, options);
      return plan;
    },
  );
}

/** How values are stored and how full pages get has to be set before rows come. What fails here is found and told by the build after the copy. */
async function setOptions(client: pg.Client, options: ProvisionOptions): Promise<void> {
  const source = await readSourceStructure(options);
  const { changes } = await compareWith(source, options.spec, client);
  for (const change of changes.filter(isForEmptyTable)) {
    options.signal.throwIfAborted();
    await makeChange(client, change, options.signal);
  }
}

async function runStep(client: pg.Client, step: ProvisionStep): Promise<void> {
  try {
    await client.query('begin');
    for (const statement of step.statements) await client.query(statement);
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

/** Tables that the applier has taken into the mirror, by `keyOf`. */
async function readCarriedTables(
  client: pg.Client,
  mirrorId: string,
): Promise<ReadonlySet<string>> {
  const { rows: there } = await client.query<{ present: boolean }>(
    `select pg_catalog.to_regclass('_bunny.table_state') is not null as present`,
  );
  if (there[0]?.present !== true) return new Set();
  const { rows } = await client.query<{ schema: string; table: string }>(
    `select source_schema as schema, source_table as table from _bunny.table_state where mirror_id = $1`,
    [mirrorId],
  );
  return new Set(rows.map(keyOf));
}

function functionsOf(model: CatalogModel): readonly string[] {
  const columns = model.tables.flatMap((table) => table.columns);
  return [...new Set(columns.flatMap((column) => column.functions))];
}

/** "schema" in ASCII: one provisioning at a time per destination database. The lock goes with the session. */
const PROVISION_LOCK_KEY = 0x736368656d61;
