import { type QualifiedName, formatQualifiedName } from '@bunnydb/pg-model';
import { stableHash } from './structure-change.js';

/** What the name of everything that belongs to a shadow table begins with. */
export const SHADOW_PREFIX = '_bunny_shadow_';

/** The shadow of a destination table: beside it, under a name that no user would choose. */
export function shadowName(mirrorId: string, destination: QualifiedName): QualifiedName {
  return {
    schema: destination.schema,
    table: `${SHADOW_PREFIX}${stableHash(`${mirrorId}\0${formatQualifiedName(destination)}`)}`,
  };
}

/**
 * What an index, a constraint or a statistics object of the shadow is called until the swap: names of these are unique in a schema. The definition goes into it, so
 * that what was built for another definition is not taken for this one.
 */
export function shadowObjectName(shadow: QualifiedName, name: string, definition: string): string {
  return `${SHADOW_PREFIX}${stableHash(`${shadow.table}\0${name}\0${definition}`)}`;
}

/** The comment by which a shadow table is told from a user's table. */
export function shadowMark(mirrorId: string, destination: QualifiedName): string {
  return `BunnyDB: shadow of ${formatQualifiedName(destination)} for mirror ${mirrorId}; dropped or swapped by it`;
}
