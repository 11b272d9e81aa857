import { FailureKind, type FailureReport, MirrorError, reportOf } from '@bunnydb/failure';
import { type QualifiedName, formatQualifiedName } from '@bunnydb/pg-model';
import type { FollowFacts } from './follow-facts.js';

/** Why rows of the new shape cannot be written: a change has to be made by somebody who decides on it, or that takes long. */
export function cannotFollow(
  { mapping }: Pick<FollowFacts, 'mapping'>,
  description: string,
  column?: string,
): FailureReport {
  const failure = new MirrorError(FailureKind.SchemaMismatch, description, {
    detail: {
      table: formatQualifiedName(mapping.source),
      destination_table: formatQualifiedName(mapping.destination),
      ...(column === undefined ? {} : { column }),
    },
  });
  return {
    ...reportOf(failure),
    hint: 'Look at the pending changes with schema-diff and make them with sync-schema; the table then goes on by itself.',
  };
}

/** The destination's table is gone. */
export function tableMissing({ mapping }: Pick<FollowFacts, 'mapping'>): FailureReport {
  return reportOf(
    new MirrorError(FailureKind.TableMissing, 'the destination lacks the table', {
      detail: { destination_table: formatQualifiedName(mapping.destination) },
    }),
  );
}

/** The source calls the table otherwise now. */
export function tableMoved(
  { mapping }: Pick<FollowFacts, 'mapping'>,
  movedTo: QualifiedName,
): FailureReport {
  const [from, to] = [formatQualifiedName(mapping.source), formatQualifiedName(movedTo)];
  const failure = new MirrorError(
    FailureKind.TableRenamed,
    'the table was renamed or moved to another schema on the source',
    { detail: { table: from, renamed_to: to } },
  );
  return {
    ...reportOf(failure),
    hint: `Rename it back on the source, or take ${from} out of the mirror and add ${to} to it.`,
  };
}
