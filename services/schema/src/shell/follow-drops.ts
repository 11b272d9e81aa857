import {
  DEFAULT_MIRROR_OPTIONS,
  type SchemaFollowRequest,
  type TableMapping,
} from '@bunnydb/contracts';
import { formatQualifiedName } from '@bunnydb/pg-model';
import { CarriedBook, type CarriedObject, withoutDropped } from '../core/carried-objects.js';
import { type ComparedRules, planDrops } from '../core/follow-drops.js';
import { forgetDroppedObjects, noteCarriedObjects, readCarriedObjects } from './carried-objects.js';
import type { FollowSession } from './follow-sessions.js';
import { makeFollowStep, withLockRetries } from './make-follow-step.js';
import { readRuledTables } from './read-rules.js';

/**
 * Drops the constraints and unique indexes of a few tables that the source has dropped. It comes before what else is followed: a type that changes may not fit
 * a check that is gone. One that cannot be dropped now is left to the session.
 *
 * @returns notes what the others are like once the tables themselves have been changed.
 */
export async function followDrops(
  session: FollowSession,
  request: SchemaFollowRequest,
  mappings: readonly TableMapping[],
  made: string[],
): Promise<() => Promise<void>> {
  const { spec, cause } = request;
  const { schema_changes: changes } = { ...DEFAULT_MIRROR_OPTIONS, ...spec.options };
  if (changes !== 'auto' || mappings.length === 0) return NOTHING_TO_NOTE;
  const client = session.destination;
  // Before the source is read: what both sides had by then, and the source lacks, is dropped there.
  const names = mappings.map((mapping) => mapping.source);
  const known = (await readCarriedObjects(client, spec, names)).filter(isRule);
  if (known.length === 0) return NOTHING_TO_NOTE;
  const [source, destination] = await Promise.all([
    withLockRetries('source', () => readRuledTables(session.source, names)),
    readDestination(session, mappings),
  ]);
  const before = new CarriedBook(known);
  const dropped: CarriedObject[] = [];
  for (const step of planDrops({ source, destination }, mappings, spec, cause, before)) {
    const table = formatQualifiedName(mappings[0]?.destination ?? { schema: '', table: '' });
    if ((await makeFollowStep(client, step, table)) !== null) continue;
    made.push(step.what);
    dropped.push(step.drops);
  }
  await forgetDroppedObjects(client, spec, dropped);
  return async () => {
    const now: ComparedRules = { source, destination: await readDestination(session, mappings) };
    const after = new CarriedBook(
      withoutDropped(known, dropped),
      withoutDropped(before.found, dropped),
    );
    planDrops(now, mappings, spec, cause, after);
    await noteCarriedObjects(client, spec, after);
  };
}

async function readDestination(
  { destination }: FollowSession,
  mappings: readonly TableMapping[],
): Promise<ComparedRules['destination']> {
  return await withLockRetries('destination', () =>
    readRuledTables(
      destination,
      mappings.map((mapping) => mapping.destination),
    ),
  );
}

const isRule = ({ kind }: CarriedObject): boolean => kind === 'constraint' || kind === 'index';
const NOTHING_TO_NOTE = (): Promise<void> => Promise.resolve();
