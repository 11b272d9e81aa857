import { randomUUID } from 'node:crypto';
import type { LaneWish, MirrorSpec } from '@bunnydb/contracts';
import { type Messaging, sendCommand } from '@bunnydb/messaging';
import { formatQualifiedName } from '@bunnydb/pg-model';

/** Asks something of tables' lanes; tables by their names at the destination, others than the mirror's are passed over. */
export async function askLanes(
  messaging: Messaging,
  spec: MirrorSpec,
  wish: LaneWish,
  destinations: readonly string[],
): Promise<void> {
  const tables = spec.tables
    .filter((table) => destinations.includes(formatQualifiedName(table.destination)))
    .map((table) => formatQualifiedName(table.source));
  // An empty list would mean all of them.
  if (tables.length === 0) return;
  await sendCommand(messaging, 'apply', {
    v: 1,
    command_id: randomUUID(),
    verb: 'change_lanes',
    mirror_id: spec.id,
    body: { spec, wish, tables },
  });
}
