import type { ServiceLog } from './create-log.js';

/** One step of the end of a process. */
export interface ShutdownStep {
  readonly name: string;
  readonly deadlineMs: number;
  readonly run: () => Promise<unknown>;
}

/**
 * Runs the steps one after another. A step that fails or takes too long is logged and does not keep the next from running: every resource
 * gets its chance to close.
 *
 * @returns true when every step ended well and in time.
 */
export async function runShutdown(
  steps: readonly ShutdownStep[],
  log: ServiceLog,
): Promise<boolean> {
  let clean = true;
  for (const step of steps) {
    const outcome = await runStep(step);
    if (outcome !== 'done') {
      clean = false;
      log.error(
        { step: step.name, ...(outcome === 'late' ? {} : outcome) },
        'a shutdown step did not end well',
      );
    }
  }
  return clean;
}

async function runStep(step: ShutdownStep): Promise<'done' | 'late' | { readonly error: unknown }> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), step.deadlineMs);
  });
  try {
    return await Promise.race([step.run().then(() => 'done' as const), late]);
  } catch (error) {
    return { error };
  } finally {
    clearTimeout(timer);
  }
}
