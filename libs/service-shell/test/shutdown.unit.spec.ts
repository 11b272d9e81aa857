import { describe, expect, it } from 'vitest';
import { createLog } from '../src/create-log.js';
import { runLoops } from '../src/run-loops.js';
import { runShutdown } from '../src/shutdown.js';

const log = createLog({ level: 'silent', service: 'test', instance: 'one' });

describe('the end of a process', () => {
  it('takes the steps in order, and a bad one keeps no other from its turn', async () => {
    const taken: string[] = [];
    const step = (name: string, run: () => Promise<unknown>) => ({
      name,
      deadlineMs: 20,
      run: () => {
        taken.push(name);
        return run();
      },
    });
    const clean = await runShutdown(
      [
        step('intake', () => Promise.resolve()),
        step('fails', () => Promise.reject(new Error('no'))),
        step('hangs', () => new Promise(() => undefined)),
        step('last', () => Promise.resolve()),
      ],
      log,
    );
    expect(taken).toEqual(['intake', 'fails', 'hangs', 'last']);
    expect(clean).toBe(false);
    expect(await runShutdown([step('well', () => Promise.resolve())], log)).toBe(true);
  });

  it('tells a loop that broke down from one that was stopped', async () => {
    const stopping = new AbortController();
    const obedient = {
      name: 'obedient',
      run: (signal: AbortSignal) =>
        new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
    };
    const broken = { name: 'broken', run: () => Promise.reject(new Error('no')) };
    const loops = runLoops([obedient, broken], stopping.signal, log);
    expect(await loops.broken).toBe('broken');
    stopping.abort();
    await loops.ended;
  });
});
