import type { MirrorSpec } from '@bunnydb/contracts';
import type pg from 'pg';
import { CarriedBook, type CarriedObject, withoutDropped } from '../core/carried-objects.js';
import { diffOptionsOf } from '../core/diff-options.js';
import type { EnumLabels } from '../core/enum-labels.js';
import type { StructureDiff } from '../core/structure-change.js';
import { diffStructure } from '../core/structure-diff.js';
import type { StructureModel } from '../core/structure-model.js';
import { typeKey } from '../core/type-order.js';
import { noteCarriedObjects, readCarriedObjects } from './carried-objects.js';
import { readColumnNames } from './column-names.js';
import { noteEnumLabels, readEnumLabels } from './enum-labels.js';
import { type OpenSecret, withPeer } from './peer-session.js';
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
  spec: MirrorSpec,
  client: pg.Client,
  earlier: ComparedBefore = {},
): Promise<Comparison> {
  const names = spec.tables.map((table) => table.destination);
  const destination = await readStructure(client, names);
  const { rows } = await client.query<{ silences: boolean }>(
    `select pg_catalog.has_parameter_privilege('session_replication_role', 'set') as silences`,
  );
  const options = diffOptionsOf(spec, rows[0]?.silences === true);
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
  const diff = diffStructure(source, destination, spec.tables, options, memory);
  return { ...diff, ...memory, source, destination };
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
