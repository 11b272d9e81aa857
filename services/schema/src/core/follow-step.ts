import type { MirrorSpec, ReplicateSchema } from '@bunnydb/contracts';
import { DEFAULT_MIRROR_OPTIONS } from '@bunnydb/contracts';

/** Something to be made at the destination, in a transaction of its own. */
export interface MadeStep {
  /** In words, names only. */
  readonly what: string;
  readonly sql: readonly string[];
}

/** What rows of a new shape may need. */
export interface FollowStep extends MadeStep {
  /** What of `replicate_schema` asks for it. */
  readonly part: keyof ReplicateSchema;
  /** Whether rows of the new shape cannot be written without it. */
  readonly isNeeded: boolean;
  /** For a failure: the column. */
  readonly column?: string;
}

/** Which parts of the structure a mirror follows by itself. */
export function followedParts(spec: MirrorSpec): ReadonlySet<keyof ReplicateSchema> {
  const options = { ...DEFAULT_MIRROR_OPTIONS, ...spec.options };
  const { replicate_schema: parts, schema_changes: changes } = options;
  if (changes !== 'auto' || parts === false) return new Set();
  return new Set(PARTS.filter((part) => parts[part]));
}

const PARTS = [
  'columns',
  'types',
  'defaults',
  'not_null',
  'checks',
  'identity',
  'sequences',
] as const satisfies readonly (keyof ReplicateSchema)[];
