import { MirrorError } from '@bunnydb/failure';
import { closeSession, connectClient } from '@bunnydb/pg-client';
import { carriesSchema } from '../core/carried-schema.js';
import { mayBeStructural } from '../core/table-refusal.js';
import { readTableFacts } from './copy-catalog.js';
import type { LaneEntry } from './lane-book.js';
import type { LaneWorld } from './lane-world.js';

/**
 * Whether rows were refused that have a column which the source has dropped since, or has given another name before anybody saw it: what would let them in is known to nobody any more,
 * and no later row needs it. The first refusal may be mended by a comparison of structures.
 */
export async function isOfFormerShape(
  world: LaneWorld,
  { mapping, attempts }: LaneEntry,
  error: unknown,
  columns: readonly string[],
): Promise<boolean> {
  const isOurs = error instanceof MirrorError && mayBeStructural(error);
  if (!isOurs || attempts === 0 || columns.length === 0) return false;
  if (!carriesSchema(world.spec.options)) return false;
  const client = await connectClient(world.source, { role: 'source' });
  try {
    const [facts] = await readTableFacts(client, [mapping.source]);
    const present = new Set(facts?.columns.map(({ name }) => name));
    const left = new Set(mapping.exclude_columns);
    return facts?.isTable === true && columns.some((name) => !present.has(name) && !left.has(name));
  } finally {
    await closeSession(client);
  }
}
