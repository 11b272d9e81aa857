import type { MirrorSpec } from '@bunnydb/contracts';
import type pg from 'pg';
import { diffOptionsOf } from '../core/diff-options.js';
import type { StructureDiff } from '../core/structure-change.js';
import { diffStructure } from '../core/structure-diff.js';
import type { StructureModel } from '../core/structure-model.js';
import { readColumnNames } from './column-names.js';
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

/** What the destination, read through its session, lacks of the source. */
export async function compareWith(
  source: StructureModel,
  spec: MirrorSpec,
  client: pg.Client,
): Promise<StructureDiff> {
  const names = spec.tables.map((table) => table.destination);
  const destination = await readStructure(client, names);
  const { rows } = await client.query<{ silences: boolean }>(
    `select pg_catalog.has_parameter_privilege('session_replication_role', 'set') as silences`,
  );
  const options = diffOptionsOf(spec, rows[0]?.silences === true);
  const tables = spec.tables.map((table) => table.source);
  const columnNames = await readColumnNames(client, spec, tables);
  return diffStructure(source, destination, spec.tables, options, columnNames);
}
