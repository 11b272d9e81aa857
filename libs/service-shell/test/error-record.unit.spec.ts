import { describe, expect, it } from 'vitest';
import { MirrorError } from '@bunnydb/failure';
import { createLog } from '../src/create-log.js';
import { errorRecordOf } from '../src/error-record.js';

function causeOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

describe('an error in the log', () => {
  it('tells a mirror error in full, and of its cause only what holds no values', () => {
    const cause = Object.assign(new Error('Key (email)=(me@home) already exists.'), {
      name: 'DatabaseError',
      code: '23505',
    });
    const error = new MirrorError('constraint_violated', 'a constraint refused a row', {
      detail: { table: 'public.users' },
      cause,
    });
    const record = errorRecordOf(error);
    expect(record).toMatchObject({
      name: 'MirrorError',
      message: 'a constraint refused a row',
      kind: 'constraint_violated',
      detail: { table: 'public.users' },
      cause: { name: 'DatabaseError', code: '23505' },
    });
    expect(record.cause?.stack?.[0]).toMatch(/^at /);
    expect(JSON.stringify(record)).not.toContain('me@home');
  });

  it('does not repeat the input that a parser quotes', () => {
    const record = errorRecordOf(causeOf(() => JSON.parse('{"password": hunter2}')));
    expect(record.name).toBe('SyntaxError');
    expect(JSON.stringify(record)).not.toContain('hunter2');
  });

  it('tells where a socket failed and what the language found wrong', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), {
      code: 'ECONNREFUSED',
      syscall: 'connect',
    });
    expect(errorRecordOf(refused)).toMatchObject({
      code: 'ECONNREFUSED',
      message: 'connect ECONNREFUSED 127.0.0.1:5432',
    });
    const bug = causeOf(() => (undefined as unknown as { a: number }).a);
    expect(errorRecordOf(bug).message).toContain('undefined');
  });

  it('ends with a chain of causes that goes in a circle', () => {
    const error = new Error('one');
    error.cause = error;
    expect(JSON.stringify(errorRecordOf(error)).length).toBeLessThan(20_000);
  });

  it('stands in a line of JSON under the agreed keys', () => {
    const lines: string[] = [];
    const log = createLog(
      { level: 'info', service: 'apply', instance: 'one' },
      { write: (line) => void lines.push(line) },
    );
    log.error(
      { mirror: 'm1', error: new MirrorError('disk_full', 'no space') },
      'a session failed',
    );
    log.debug({}, 'not shown');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'error',
      service: 'apply',
      instance: 'one',
      mirror: 'm1',
      msg: 'a session failed',
      error: { kind: 'disk_full', message: 'no space' },
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
  });
});
