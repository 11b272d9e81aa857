import { describe, expect, it } from 'vitest';
import { MirrorError } from '@bunnydb/failure';
import { createLog, type ServiceLog } from '../src/create-log.js';
import { LogLevelDoor } from '../src/log-level.js';

function open(): { door: LogLevelDoor; log: ServiceLog; lines: string[] } {
  const lines: string[] = [];
  const log = createLog(
    { level: 'info', service: 'apply', instance: 'a1' },
    { write: (line: string) => void lines.push(line) },
  );
  return {
    lines,
    log,
    door: new LogLevelDoor({ log, level: 'info', service: 'apply', instance: 'a1' }),
  };
}

describe('the log level at run time', () => {
  it('tells the present level when none is asked for', () => {
    expect(open().door.answer({})).toEqual({
      ok: true,
      service: 'apply',
      instance: 'a1',
      level: 'info',
    });
  });

  it('lets lines of the new level through at once', () => {
    const { door, log, lines } = open();
    log.debug({}, 'before');
    expect(door.answer({ level: 'debug' }).level).toBe('debug');
    log.debug({}, 'after');
    expect(lines.filter((line) => line.includes('after'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('before'))).toHaveLength(0);
  });

  it('refuses what is no level, and stays', () => {
    const { door, log } = open();
    expect(() => door.answer({ level: 'loud' })).toThrow(MirrorError);
    expect(() => door.answer({ level: 'debug', seconds: -1 })).toThrow(MirrorError);
    expect(log.level).toBe('info');
  });
});
