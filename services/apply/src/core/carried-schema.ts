import type { MirrorOptions } from '@bunnydb/contracts';

/** Whether the mirror carries structure along; if not, columns that the destination lacks are left out. */
export function carriesSchema(
  options: Pick<MirrorOptions, 'schema_changes' | 'replicate_schema'>,
): boolean {
  return options.schema_changes !== 'ignore' && options.replicate_schema !== false;
}
