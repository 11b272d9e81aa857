import type { SchemaSwapCheckReply, SchemaSwapCheckRequest } from '@bunnydb/contracts';
import { keyOf } from '../core/relation-facts.js';
import type { CompareOptions } from './compare-structure.js';
import { withPeer } from './peer-session.js';
import { readObstacles } from './read-table-facts.js';

/**
 * Answers `bunny.schema.swap_check`. A lane looks at the same again, since things may change until then; but its table is behind the others by
 * that time, so whoever asks for a swap would rather know before.
 */
export async function checkSwap({
  spec,
  openSecret,
  signal,
  tables,
}: CompareOptions & Pick<SchemaSwapCheckRequest, 'tables'>): Promise<SchemaSwapCheckReply> {
  const wanted = new Set(tables.map(keyOf));
  const mappings = spec.tables.filter(({ source }) => wanted.has(keyOf(source)));
  const rows = await withPeer(
    { peer: spec.destination, role: 'destination', openSecret, signal },
    (client) =>
      readObstacles(
        client,
        mappings.map(({ destination }) => destination),
      ),
  );
  const byDestination = new Map(rows.map((row) => [keyOf(row), row.obstacles]));
  const obstacles = mappings.flatMap(({ source, destination }) => {
    const reasons = byDestination.get(keyOf(destination));
    return reasons === undefined ? [] : [{ table: source, reasons }];
  });
  return { ok: true, obstacles };
}
