import { setTimeout as sleep } from 'node:timers/promises';
import type { MirrorState } from '../core/mirror/mirror-state.js';

const DEADLINE_MS = 15_000;
const LOOK_EVERY_MS = 100;

/** Waits for the end of a drop, at most 15 seconds. @returns the last state seen. */
export async function waitUntilDropped(
  look: () => Promise<MirrorState>,
  first: MirrorState,
): Promise<MirrorState> {
  let state = first;
  for (let waitedMs = 0; waitedMs < DEADLINE_MS; waitedMs += LOOK_EVERY_MS) {
    if (state.tag === 'dropped') return state;
    await sleep(LOOK_EVERY_MS);
    state = await look();
  }
  return state;
}
