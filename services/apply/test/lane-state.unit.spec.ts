import { describe, expect, it } from 'vitest';
import {
  EMPTY_NOTE,
  type LaneNote,
  type Resync,
  askOf,
  formatNote,
  parseNote,
} from '../src/core/lane-note.js';
import {
  type LaneSignal,
  type LaneState,
  laneStateOf,
  noteOf,
  stepLane,
} from '../src/core/lane-state.js';

const truncating: Resync = { id: 'c1', strategy: 'truncate', together: false, step: 'copy' };
const filling: Resync = { id: 'c2', strategy: 'swap', together: true, step: 'copy' };
const swapping: Resync = { ...filling, step: 'swap' };
const wanted: Resync = { id: 'c3', strategy: 'swap', together: false, step: 'copy' };

const STATES = {
  pending: { tag: 'pending' },
  copying: { tag: 'copying' },
  catching_up: { tag: 'catching_up' },
  running: { tag: 'running' },
  truncating: { tag: 'resyncing', resync: truncating },
  filling: { tag: 'resyncing', resync: filling },
  swapping: { tag: 'resyncing', resync: swapping },
  held: { tag: 'held', goesOnAs: { tag: 'catching_up' } },
  failed_first_copy: { tag: 'error', goesOnAs: { tag: 'pending' } },
  failed_replay: { tag: 'error', goesOnAs: { tag: 'catching_up' } },
  failed_swap: { tag: 'error', goesOnAs: { tag: 'resyncing', resync: swapping } },
} as const satisfies Record<string, LaneState>;
type Name = keyof typeof STATES;

const SIGNALS = {
  retry: { tag: 'retry' },
  hold: { tag: 'hold' },
  resync: { tag: 'resync', resync: wanted },
  copied: { tag: 'copied' },
  shadow_full: { tag: 'shadow_full' },
  swapped: { tag: 'swapped' },
  failed: { tag: 'failed', keepsShadow: false, leavesGroup: false },
  failed_alone: { tag: 'failed', keepsShadow: false, leavesGroup: true },
  failed_but_kept: { tag: 'failed', keepsShadow: true, leavesGroup: false },
} as const satisfies Record<string, LaneSignal>;

const resynced: LaneState = { tag: 'resyncing', resync: wanted };
const failing = (name: 'pending' | 'copying' | 'catching_up'): LaneState => ({
  tag: 'error',
  goesOnAs: STATES[name],
});
const failedResync = (resync: Resync): LaneState => ({
  tag: 'error',
  goesOnAs: { tag: 'resyncing', resync },
});
const copyAgain: Resync = { ...swapping, step: 'copy' };
const refused = { tag: 'refused' } as const;

/** What every state makes of every signal; a signal that is left out is refused. */
const EXPECTED: Record<Name, Partial<Record<keyof typeof SIGNALS, LaneState>>> = {
  pending: {
    resync: STATES.pending,
    failed: failing('pending'),
    failed_alone: failing('pending'),
    failed_but_kept: failing('pending'),
  },
  copying: {
    resync: STATES.copying,
    copied: STATES.catching_up,
    failed: failing('copying'),
    failed_alone: failing('copying'),
    failed_but_kept: failing('copying'),
  },
  catching_up: {
    hold: STATES.held,
    resync: resynced,
    failed: failing('catching_up'),
    failed_alone: failing('catching_up'),
    failed_but_kept: failing('catching_up'),
  },
  running: { hold: STATES.held, resync: resynced },
  truncating: {
    resync: resynced,
    copied: STATES.catching_up,
    failed: failedResync(truncating),
    failed_alone: failedResync(truncating),
    failed_but_kept: failedResync(truncating),
  },
  filling: {
    resync: resynced,
    copied: STATES.filling,
    shadow_full: STATES.swapping,
    failed: failedResync(filling),
    failed_alone: failedResync({ ...filling, together: false }),
    failed_but_kept: failedResync(filling),
  },
  swapping: {
    resync: resynced,
    copied: STATES.swapping,
    shadow_full: STATES.swapping,
    swapped: STATES.catching_up,
    failed: failedResync(copyAgain),
    failed_alone: failedResync({ ...copyAgain, together: false }),
    failed_but_kept: failedResync(swapping),
  },
  held: { retry: STATES.catching_up, resync: resynced },
  failed_first_copy: {
    retry: STATES.pending,
    hold: { ...STATES.failed_first_copy, tag: 'held' },
    resync: STATES.pending,
  },
  failed_replay: { retry: STATES.catching_up, hold: STATES.held, resync: resynced },
  failed_swap: {
    retry: STATES.swapping,
    hold: {
      tag: 'held',
      goesOnAs: { tag: 'resyncing', resync: { ...swapping, together: false } },
    },
    resync: resynced,
  },
};

describe('a lane', () => {
  for (const [name, state] of Object.entries(STATES)) {
    for (const [signalName, signal] of Object.entries(SIGNALS)) {
      it(`in ${name} takes ${signalName} as it must`, () => {
        const expected = new Map(Object.entries(EXPECTED[name as Name])).get(signalName);
        expect(stepLane(state, signal)).toEqual(expected ?? refused);
      });
    }
    it(`in ${name} is found again in its row`, () => {
      const note = parseNote(formatNote(noteOf(state, EMPTY_NOTE)));
      const facts = { isCopied: false, defaultStrategy: 'truncate' } as const;
      expect(laneStateOf(state.tag, note, facts)).toEqual(state);
    });
  }

  it('that the main lane has held or failed goes on with what is parked, or with its first copy if there was none', () => {
    const facts = { isCopied: true, defaultStrategy: 'swap' } as const;
    expect(laneStateOf('held', EMPTY_NOTE, facts)).toEqual(STATES.held);
    expect(laneStateOf('error', EMPTY_NOTE, { ...facts, isCopied: false })).toEqual(
      STATES.failed_first_copy,
    );
  });

  it('that the main lane wants copied again is, by the strategy of the mirror', () => {
    const facts = { isCopied: true, defaultStrategy: 'swap' } as const;
    expect(laneStateOf('resyncing', EMPTY_NOTE, facts)).toMatchObject({
      resync: { strategy: 'swap', step: 'copy' },
    });
  });

  it('that is held while its shadow is about to be swapped goes on with the swap', () => {
    const note: LaneNote = { ...EMPTY_NOTE, resync: swapping };
    const facts = { isCopied: true, defaultStrategy: 'truncate' } as const;
    expect(laneStateOf('held', note, facts)).toEqual({
      tag: 'held',
      goesOnAs: { tag: 'resyncing', resync: swapping },
    });
  });
});

describe('a wish', () => {
  const wish = { action: 'retry' } as const;

  it('is noted once, however often its command is delivered', () => {
    const note = askOf(EMPTY_NOTE, { commandId: 'a', wish });
    expect(note?.asked).toEqual({ commandId: 'a', wish });
    const taken: LaneNote = { ...EMPTY_NOTE, ...note, asked: null };
    expect(askOf(taken, { commandId: 'a', wish })).toBeUndefined();
    const later = askOf(taken, { commandId: 'b', wish });
    expect(later && askOf(later, { commandId: 'a', wish })).toBeUndefined();
  });

  it('survives being stored, and an empty note is stored as nothing', () => {
    const note = askOf({ ...EMPTY_NOTE, resync: truncating }, { commandId: 'a', wish });
    expect(note && parseNote(formatNote(note))).toEqual(note);
    expect(formatNote(EMPTY_NOTE)).toBeNull();
    expect(parseNote(null)).toEqual(EMPTY_NOTE);
  });
});
