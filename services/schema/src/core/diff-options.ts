import { DEFAULT_MIRROR_OPTIONS, type MirrorSpec, type ReplicateSchema } from '@bunnydb/contracts';
import type { DiffOptions } from './table-pair.js';

/** What the options of a mirror ask for. A spec that an older version wrote lacks some of them. */
export function diffOptionsOf(spec: MirrorSpec, silencesForeignKeyActions: boolean): DiffOptions {
  const options = { ...DEFAULT_MIRROR_OPTIONS, ...spec.options };
  const parts = options.replicate_schema === false ? undefined : options.replicate_schema;
  const wants = (part: keyof ReplicateSchema): boolean => parts?.[part] ?? false;
  return {
    columns: wants('columns'),
    types: wants('types'),
    defaults: wants('defaults'),
    notNull: wants('not_null'),
    identity: wants('identity'),
    sequences: wants('sequences'),
    checks: wants('checks'),
    indexes: options.replicate_indexes,
    foreignKeys: options.replicate_foreign_keys,
    foreignKeyStrategy: options.foreign_key_strategy,
    silencesForeignKeyActions,
  };
}

/** Whether sequences of the destination are to be moved along. */
export function wantsSequences(spec: MirrorSpec): boolean {
  const parts = { ...DEFAULT_MIRROR_OPTIONS, ...spec.options }.replicate_schema;
  return parts !== false && parts.sequences;
}
