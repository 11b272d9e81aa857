import { Bell } from './process/bell.js';

/** Rings every bell that hangs here whenever something was appended. */
export class EventBells {
  readonly #bells = new Set<Bell>();

  hang(): Bell {
    const bell = new Bell();
    this.#bells.add(bell);
    return bell;
  }

  take(bell: Bell): void {
    this.#bells.delete(bell);
  }

  ring(): void {
    for (const bell of this.#bells) bell.ring();
  }
}
