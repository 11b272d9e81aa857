import type { MirrorSpec } from '@bunnydb/contracts';
import type pg from 'pg';
import { CarriedBook, type CarriedObject, withoutDropped } from '../core/carried-objects.js';
import { diffOptionsOf } from '../core/diff-options.js';
import type { EnumLabels } from '../core/enum-labels.js';
import { columnsInDoubt, withNullColumns } from '../core/late-columns.js';
import { keyOf } from '../core/relation-facts.js';
import type { StructureDiff } from '../core/structure-change.js';
import { diffStructure } from '../core/structure-diff.js';
import type { StructureModel } from '../core/structure-model.js';
import { typeKey } from '../core/type-order.js';
import { noteCarriedObjects, readCarriedObjects } from './carried-objects.js';
import { readColumnNames } from './column-names.js';
import { noteEnumLabels, readEnumLabels } from './enum-labels.js';
import { type OpenSecret, withPeer } from './peer-session.js';
import { readNullColumns } from './read-follow.js';
import { readStructure } from './read-structure.js';

export interface CompareOptions {
  readonly spec: MirrorSpec;
  readonly openSecret: OpenSecret;
  readonly signal: AbortSignal;
}

/** Reads the structure that a mirror's source tables have now. */
export async function readSourceStructure(options: CompareOptions): Promise<StructureModel> {
  const { spec, openSecret, signal } = options;
  const names = spec.tables.map((table) => table.source);
  return await withPeer({ peer: spec.source, role: 'source', openSecret, signal }, (client) =>
    readStructure(client, names),
  );
}

/** What the destination lacks, and by what that is known. */
export interface Comparison extends StructureDiff {
  readonly carried: CarriedBook;
  readonly labels: EnumLabels;
  readonly source: StructureModel;
  readonly destination: StructureModel;
}

/** What is known of the destination from before the source was read. */
export interface ComparedBefore {
  /** The comparison before, if we have changed the destination since. */
  readonly before?: Comparison;
  /** What of that we have dropped. */
  readonly dropped?: readonly CarriedObject[];
  /** What is noted to have come from the source; needed where others may note something new meanwhile, which the source lacked when it was read. */
  readonly known?: readonly CarriedObject[];
}

/** What the destination, read through its session, lacks of the source. */
export async function compareWith(
  source: StructureModel,
  options: CompareOptions,
  client: pg.Client,
  earlier: ComparedBefore = {},
): Promise<Comparison> {
  const { spec } = options;
  const names = spec.tables.map((table) => table.destination);
  const destination = await readStructure(client, names);
  const { rows } = await client.query<{ silences: boolean }>(
    `select pg_catalog.has_parameter_privilege('session_replication_role', 'set') as silences`,
  );
  const diffOptions = diffOptionsOf(spec, rows[0]?.silences === true);
  const tables = spec.tables.map((table) => table.source);
  const { before, dropped = [] } = earlier;
  const known = earlier.known ?? (await readCarriedObjects(client, spec));
  const memory = {
    names: await readColumnNames(client, spec, tables),
    labels: await readEnumLabels(client, spec),
    carried: new CarriedBook(
      withoutDropped(known, dropped),
      withoutDropped(before?.carried.found ?? [], dropped),
    ),
  };
  const told = await askRows(source, destination, options);
  const diff = diffStructure(told, destination, spec.tables, diffOptions, memory);
  return { ...diff, ...memory, source: told, destination };
}

/** Asks the rows of the source where its catalog does not tell what they have of a column that the destination lacks. */
async function askRows(
  source: StructureModel,
  destination: StructureModel,
  { spec, openSecret, signal }: CompareOptions,
): Promise<StructureModel> {
  const doubtful = columnsInDoubt(source, destination, spec.tables);
  if (doubtful.length === 0) return source;
  const told = new Map<string, ReadonlySet<string>>();
  await withPeer({ peer: spec.source, role: 'source', openSecret, signal }, async (client) => {
    for (const { table, columns } of doubtful) {
      told.set(keyOf(table), await readNullColumns(client, table, columns));
    }
  });
  return withNullColumns(source, told);
}

/** Notes what both sides have, for the time when the source has dropped or renamed it. */
export async function noteComparison(
  client: pg.Client,
  spec: MirrorSpec,
  { carried, labels, source, destination }: Comparison,
): Promise<void> {
  await noteCarriedObjects(client, spec, carried);
  const present = destination.types.flatMap((type) =>
    type.kind === 'enum' ? [[typeKey(type), type.labels] as const] : [],
  );
  await noteEnumLabels(client, spec, source.types, new Map(present), labels);
}
