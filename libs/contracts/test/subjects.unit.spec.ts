import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COMMAND_SERVICE } from '../src/commands.js';
import { DEFAULT_MIRROR_OPTIONS } from '../src/mirror-spec.js';
import {
  ALL_COMMANDS,
  ALL_EVENTS,
  SERVICE_NAMES,
  changeStreamName,
  changeSubjects,
  commandFilter,
  commandSubject,
  commitSubject,
  decodeToken,
  defaultSlotName,
  encodeToken,
  eventSubject,
  tableSubject,
} from '../src/subjects.js';

const identifier = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 63 }),
  fc.string({ unit: fc.constantFrom('_', '.', '*', '>', ' ', '%', '\n', '$', 'é'), minLength: 1 }),
);

describe('subject tokens', () => {
  test('any identifier survives being made a token and read again', () => {
    fc.assert(
      fc.property(identifier, (name) => {
        expect(decodeToken(encodeToken(name))).toBe(name);
      }),
    );
  });

  test('a token holds nothing that NATS gives a meaning to', () => {
    fc.assert(
      fc.property(identifier, (name) => {
        expect(encodeToken(name)).toMatch(/^[A-Za-z0-9%-][A-Za-z0-9_%-]*$/);
      }),
    );
  });

  test('two different names never share a token', () => {
    fc.assert(
      fc.property(identifier, identifier, (a, b) => {
        fc.pre(a !== b);
        expect(encodeToken(a)).not.toBe(encodeToken(b));
      }),
    );
  });
});

describe('subjects', () => {
  test('no table can pass for the end of a batch', () => {
    fc.assert(
      fc.property(identifier, identifier, (schema, table) => {
        expect(tableSubject('shop', schema, table)).not.toBe(commitSubject('shop'));
      }),
    );
    expect(tableSubject('shop', '_commit', '_commit')).toBe('bunny.cdc.shop.%5Fcommit.%5Fcommit');
  });

  test('a table subject has five tokens, whatever the names hold', () => {
    fc.assert(
      fc.property(identifier, identifier, (schema, table) => {
        expect(tableSubject('shop', schema, table).split('.')).toHaveLength(5);
      }),
    );
  });

  test('what is published is what is subscribed to', () => {
    expect(matches(changeSubjects('shop'), tableSubject('shop', 'public', 'users'))).toBe(true);
    expect(matches(changeSubjects('shop'), commitSubject('shop'))).toBe(true);
    expect(matches(changeSubjects('shop'), commitSubject('shop2'))).toBe(false);
    expect(matches(ALL_EVENTS, eventSubject('m1', 'apply', 'copy_started'))).toBe(true);
    for (const [verb, service] of Object.entries(COMMAND_SERVICE)) {
      expect(matches(commandFilter(service), commandSubject(service, verb))).toBe(true);
      expect(matches(ALL_COMMANDS, commandSubject(service, verb))).toBe(true);
    }
  });

  test('names that come from the mirror id are names for PostgreSQL and for NATS', () => {
    const id = '0192f0c1d2e37abc8def0123456789ab';
    expect(defaultSlotName(id)).toMatch(/^[a-z0-9_]{1,63}$/);
    expect(changeStreamName(id)).toMatch(/^[A-Za-z0-9_-]+$/);
  });
});

test('every command is done by a service that exists, and none by control', () => {
  for (const service of Object.values(COMMAND_SERVICE)) {
    expect(SERVICE_NAMES).toContain(service);
    expect(service).not.toBe('control');
  }
});

test('a stream keeps a smaller tail than it may hold', () => {
  const { stream_tail_bytes: tail, stream_max_bytes: max } = DEFAULT_MIRROR_OPTIONS;
  expect(tail).toBeLessThan(max);
});

/** NATS matching for filters that end in `>`. */
function matches(filter: string, subject: string): boolean {
  return subject.startsWith(filter.slice(0, -1)) && subject.length >= filter.length;
}
