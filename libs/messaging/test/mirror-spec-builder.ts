import { DEFAULT_MIRROR_OPTIONS, type MirrorSpec } from '@bunnydb/contracts';

const PEER = {
  name: 'peer',
  host: '127.0.0.1',
  port: 5432,
  user: 'bunny',
  database: 'shop',
  ssl_mode: 'prefer',
} as const;

/** A spec as control would write it, with what a test cares about on top. */
export function mirrorSpec(changes: Partial<MirrorSpec> = {}): MirrorSpec {
  return {
    v: 1,
    id: 'm1',
    name: 'shop',
    generation: 1,
    desired: 'run',
    source: PEER,
    destination: PEER,
    slot_name: 'bunny_m1',
    publication_name: 'bunny_m1',
    own_publication: false,
    tables: [],
    options: DEFAULT_MIRROR_OPTIONS,
    ...changes,
  };
}
