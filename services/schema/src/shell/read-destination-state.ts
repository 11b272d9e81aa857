import type pg from 'pg';
import type { DestinationState } from '../core/provision-plan.js';
import { keyOf } from '../core/relation-facts.js';
import { typeKey } from '../core/type-order.js';
import { readRelations } from './read-relations.js';
import { readServerFacts } from './read-server-facts.js';
import {
  SELECT_DESTINATION_OBJECTS,
  SELECT_INDEX_NAMES,
} from './sql/select-destination-objects.js';

/** Reads what a new table could lean on; `functions` are the signatures to look for. */
export async function readDestinationState(
  client: pg.Client,
  functions: readonly string[],
): Promise<DestinationState> {
  const server = await readServerFacts(client);
  const relations = await readRelations(client);
  const { rows } = await client.query<ObjectsRow>(SELECT_DESTINATION_OBJECTS, [functions]);
  const { rows: indexes } = await client.query<{ schema: string; table: string }>(
    SELECT_INDEX_NAMES,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('the catalog returned no row');
  return {
    versionNumber: server.versionNumber,
    schemas: new Set(server.schemas.keys()),
    relations,
    types: new Map(row.types.map((type) => [typeKey(type), type.labels])),
    collations: new Set(row.collations.map(typeKey)),
    extensionsInstalled: new Set(row.extensions_installed),
    extensionsAvailable: new Set(row.extensions_available),
    sequences: new Set(row.sequences.map(keyOf)),
    indexes: new Set(indexes.map(keyOf)),
    functions: new Set(row.functions),
  };
}

interface ObjectsRow {
  readonly types: readonly {
    readonly schema: string;
    readonly name: string;
    readonly labels: readonly string[];
  }[];
  readonly collations: readonly { readonly schema: string; readonly name: string }[];
  readonly extensions_installed: readonly string[];
  readonly extensions_available: readonly string[];
  readonly sequences: readonly { readonly schema: string; readonly table: string }[];
  readonly functions: readonly string[];
}
