import { type MirrorSpec, SPEC_BUCKET } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import { type Messaging, getSpec } from '@bunnydb/messaging';
import type { StructureRequest } from '../core/parse-request.js';

/**
 * The spec that a request carries, or that of the mirror which it names.
 *
 * @throws MirrorError `invalid_input` when there is no such mirror.
 */
export async function findSpec(
  messaging: Messaging,
  { spec, mirror }: StructureRequest,
): Promise<MirrorSpec> {
  if (spec !== undefined) return spec;
  if (mirror === undefined) throw noMirror('the request names no mirror', '');
  const bucket = await messaging.bucket(SPEC_BUCKET);
  for await (const id of await bucket.keys()) {
    const candidate = await getSpec(messaging, id);
    if (candidate?.name === mirror) return candidate;
  }
  throw noMirror('there is no mirror of this name', mirror);
}

function noMirror(message: string, mirror: string): MirrorError {
  return new MirrorError('invalid_input', message, { detail: { mirror } });
}
