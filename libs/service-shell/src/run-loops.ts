import type { ServiceLog } from './create-log.js';
import type { Loop } from './service-definition.js';

export interface RunningLoops {
  /** Settles when every loop has ended. Never rejects. */
  readonly ended: Promise<void>;
  /** Settles with the name of a loop that ended although nobody asked it to. */
  readonly broken: Promise<string>;
}

/** Starts the loops of a service. A loop that fails is logged here, once. */
export function runLoops(
  loops: readonly Loop[],
  signal: AbortSignal,
  log: ServiceLog,
): RunningLoops {
  let breakDown: (name: string) => void = () => undefined;
  const broken = new Promise<string>((resolve) => {
    breakDown = resolve;
  });
  const runs = loops.map(async (loop) => {
    try {
      await loop.run(signal);
    } catch (error) {
      if (!signal.aborted) {
        log.error({ loop: loop.name, error }, 'a loop failed');
      }
    }
    if (!signal.aborted) {
      breakDown(loop.name);
    }
  });
  return { ended: Promise.all(runs).then(() => undefined), broken };
}
