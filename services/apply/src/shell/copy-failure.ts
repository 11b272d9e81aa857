import { type ServerRole, toMirrorError } from '@bunnydb/pg-client';

/** Runs work on one side, so that what its server throws is judged as that side's. */
export async function onSide<Result>(
  role: ServerRole,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw toMirrorError(error, { role });
  }
}
