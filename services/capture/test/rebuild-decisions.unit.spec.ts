import { DEFAULT_MIRROR_OPTIONS, type MirrorSpec } from '@bunnydb/contracts';
import { describe, expect, it } from 'vitest';
import { formatRebuildNote, parseRebuildNote } from '../src/core/rebuild-note.js';
import { type FoundSlot, refuseSlot } from '../src/core/slot-rebuild.js';

const peer = {
  name: 'peer',
  host: 'db.example',
  port: 5432,
  user: 'bunny',
  database: 'shop',
  ssl_mode: 'disable',
} as const;
const identity = { system_id: '7', database: 'shop', start_lsn: '0/10' };
const spec: MirrorSpec = {
  v: 1,
  id: 'm1',
  name: 'shop',
  generation: 3,
  desired: 'hold',
  source: peer,
  destination: peer,
  slot_name: 'bunny_m1',
  publication_name: 'bunny_m1',
  own_publication: false,
  tables: [],
  options: DEFAULT_MIRROR_OPTIONS,
  source_identity: identity,
};
const slot: FoundSlot = {
  plugin: 'pgoutput',
  database: 'shop',
  isTemporary: false,
  isSpoilt: false,
  readerName: null,
};
const here = { systemId: '7', database: 'shop' };
const elsewhere = { systemId: '8', database: 'shop' };
const named = { ...spec, slot_name: 'mine' };

function judge(
  found: Partial<FoundSlot>,
  of: MirrorSpec,
  server: { readonly systemId: string; readonly database: string },
): string {
  const wish = { spec: of, server, sessionName: 'bunnydb capture m1' };
  return refuseSlot({ ...slot, ...found }, wish)?.kind ?? 'dropped';
}

describe('a slot of the name of the mirror, which is to be made anew', () => {
  it.each([
    ['of our naming', {}, spec, here, 'dropped'],
    ['of our naming, on another server', {}, spec, elsewhere, 'dropped'],
    ['of our naming, left by another plugin', { plugin: 'x' }, spec, here, 'dropped'],
    [
      'that our own reader still holds',
      { readerName: 'bunnydb capture m1' },
      spec,
      here,
      'dropped',
    ],
    ['that somebody else reads', { readerName: 'debezium' }, spec, here, 'slot_in_use'],
    ["of the user's naming, where it was read", {}, named, here, 'dropped'],
    ["of the user's naming, on another server", {}, named, elsewhere, 'slot_in_use'],
    ["of the user's naming, spoilt there", { isSpoilt: true }, named, elsewhere, 'dropped'],
    ["of the user's naming, of another plugin", { plugin: 'x' }, named, here, 'slot_in_use'],
    ["of the user's naming, of another database", { database: 'x' }, named, here, 'slot_in_use'],
    ["of the user's naming, temporary", { isTemporary: true }, named, here, 'slot_in_use'],
  ] as const)('%s', (_, found, of, server, expected) => {
    expect(judge(found, of, server)).toBe(expected);
  });
});

describe('the note of a rebuild', () => {
  it('comes back from the metadata that keeps it', () => {
    for (const note of [{ rebuild: 2 }, { rebuild: 3, identity }]) {
      expect(parseRebuildNote({ other: 'x', ...formatRebuildNote(note) })).toEqual(note);
    }
  });

  it('of a stranger is none', () => {
    expect(parseRebuildNote(undefined)).toBeNull();
    expect(parseRebuildNote({})).toBeNull();
    for (const text of ['', '{', '{}', '{"rebuild":"1"}', 'null']) {
      expect(parseRebuildNote({ bunny_rebuild: text })).toBeNull();
    }
  });
});
