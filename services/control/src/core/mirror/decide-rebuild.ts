import type { FailureKind } from '@bunnydb/failure';
import { type Decision, accepted, refused } from '../decision.js';
import type { Resync } from './mirror-command.js';
import type { MirrorEvent } from './mirror-event.js';
import type { Streaming } from './mirror-state.js';

/**
 * The failures that say that changes between the destination and the source are gone, or that the source is another one. Nothing brings them back,
 * so the only way out is a new slot and a copy of everything, and only a person takes it.
 */
const LOSSES: readonly FailureKind[] = [
  'slot_missing',
  'slot_invalidated',
  'publication_missing',
  'position_gap',
  'foreign_server',
];

/** The failure that only a rebuild ends; undefined when there is none. */
export function lossOf({ troubles }: Streaming): FailureKind | undefined {
  const kinds = [troubles.capture, troubles.apply].map((trouble) => trouble?.failure.kind);
  return kinds.find((kind) => kind !== undefined && LOSSES.includes(kind));
}

/**
 * A full resync of a mirror that has lost its slot, or has another source now: publication and slot are made anew, then every table is copied. One that waits
 * after a failure may be asked for again.
 */
export function decideRebuild(state: Streaming, wish: Resync): Decision<MirrorEvent> {
  const { edit, mirror, rebuild } = state;
  const because = rebuild?.work.tag === 'waiting' ? rebuild.work.failure.kind : lossOf(state);
  if (because === undefined) {
    const detail = 'slot and publication are being made anew already; wait until that is done';
    return refused('conflict', detail);
  }
  if (wish.table !== undefined) {
    const detail = `the mirror has stopped (${because}), so no table can be copied alone; resync the whole mirror`;
    return refused('conflict', detail);
  }
  // One that waits goes on afterwards: what it waits for may be the very thing that is made anew.
  if (edit && edit.stage !== 'letting_go' && edit.work.tag !== 'waiting') {
    return refused('conflict', 'a change of the tables is under way; wait until it is done');
  }
  return accepted({
    type: 'rebuild_requested',
    body: {
      number: (mirror.rebuilds ?? 0) + 1,
      strategy: wish.strategy ?? mirror.options.resync_strategy,
      because,
      at: wish.now.toISOString(),
    },
  });
}
