import { type ChildExit, describeExit } from './child-exit.js';
import { logTail } from './server-log.js';
import { until } from './until.js';

/** A server process that was just started. */
export interface StartingServer {
  /** For messages: what it is and where its data are. */
  readonly name: string;
  readonly logFile: string;
  /** Settles when the process has ended. */
  readonly exited: Promise<ChildExit>;
  readonly answers: () => Promise<boolean>;
  /** Ends it, when it does not come up. */
  readonly giveUp: () => Promise<void>;
}

/**
 * Waits until a server answers.
 *
 * @throws Error with the end of its log: at the deadline, and at once when the server ends.
 */
export async function waitForServer(server: StartingServer, timeoutMs: number): Promise<void> {
  let exit: ChildExit | undefined;
  void server.exited.then((seen) => (exit = seen));
  try {
    await until(
      () => {
        if (exit !== undefined) throw new Error('it ended');
        return server.answers();
      },
      { timeoutMs, what: 'an answer' },
    );
  } catch (error) {
    const how = exit === undefined ? 'no answer' : describeExit(exit);
    const tail = logTail(server.logFile);
    await server.giveUp();
    throw new Error(`${server.name} did not start (${how}). The end of its log:\n${tail}`, {
      cause: error,
    });
  }
}
