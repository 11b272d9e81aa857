import { FULL_SCHEMA, type MirrorOptions, type MirrorOptionsRequest } from '@bunnydb/contracts';
import { DEFAULT_MIRROR_CONFIG, type MirrorConfig, optionsOf } from '../mirror/mirror-config.js';

/** The whole config of a mirror: what the request gives, and the defaults for the rest. */
export function configOf(request: MirrorOptionsRequest): MirrorConfig {
  const given = givenOptions(request);
  return {
    ...DEFAULT_MIRROR_CONFIG,
    ...given,
    replicate_schema: request.replicate_schema
      ? { ...FULL_SCHEMA, ...present(request.replicate_schema) }
      : DEFAULT_MIRROR_CONFIG.replicate_schema,
  };
}

/** The options that a request gives, null and omitted ones left out. */
export function givenOptions(
  request: MirrorOptionsRequest,
): Partial<Omit<MirrorConfig, 'replicate_schema'>> {
  const { replicate_schema: _, ...options } = request;
  const names: readonly string[] = Object.keys(DEFAULT_MIRROR_CONFIG);
  return Object.fromEntries(
    Object.entries(present(options)).filter(([name]) => names.includes(name)),
  );
}

/** Those of the given options that workers act on. */
export function givenWorkerOptions(request: MirrorOptionsRequest): Partial<MirrorOptions> {
  const names: readonly string[] = Object.keys(optionsOf(DEFAULT_MIRROR_CONFIG));
  return Object.fromEntries(
    Object.entries(givenOptions(request)).filter(([name]) => names.includes(name)),
  );
}

function present<Value extends object>(value: Value): Partial<Value> {
  const entries = Object.entries(value).filter(([, item]) => item !== undefined && item !== null);
  // The same members, fewer of them.
  return Object.fromEntries(entries) as Partial<Value>;
}
