import { describe, expect, it } from 'vitest';
import {
  InvalidEnvironment,
  choice,
  flag,
  integer,
  optionalInteger,
  optionalText,
  readEnvironment,
  secret,
  text,
  type Environment,
  type Setting,
} from '../src/environment.js';
import { SHELL_SETTINGS } from '../src/shell-settings.js';

function problemsOf(
  environment: Environment,
  settings: Readonly<Record<string, Setting<unknown>>>,
): readonly string[] {
  try {
    readEnvironment(environment, settings);
    return [];
  } catch (error) {
    return error instanceof InvalidEnvironment ? error.problems : ['another error'];
  }
}

describe('reading the environment', () => {
  it('gives typed values, with fallbacks for what is not set or set to nothing', () => {
    const config = readEnvironment(
      { HOST: ' one ', PORT: '5432', EMPTY: '  ', ON: 'yes', LEVEL: 'warn' },
      {
        host: text('HOST'),
        port: integer('PORT', { min: 1, max: 65_535 }),
        empty: text('EMPTY', 'fallback'),
        missing: optionalText('MISSING'),
        none: optionalInteger('NONE', { min: 0, max: 1 }),
        on: flag('ON', false),
        off: flag('OFF', false),
        level: choice('LEVEL', ['info', 'warn'] as const, 'info'),
      },
    );
    expect(config).toEqual({
      host: 'one',
      port: 5432,
      empty: 'fallback',
      missing: undefined,
      none: undefined,
      on: true,
      off: false,
      level: 'warn',
    });
  });

  it('names every wrong variable at once, how to mend it, and never its value', () => {
    const problems = problemsOf(
      { PORT: '70000', COUNT: '1.5', LEVEL: 'hunter2', ON: 'maybe' },
      {
        host: text('HOST'),
        port: integer('PORT', { min: 1, max: 65_535 }),
        count: integer('COUNT', { min: 0, max: 9 }),
        level: choice('LEVEL', ['info', 'warn'] as const),
        on: flag('ON', true),
        key: secret('KEY', 'make one'),
      },
    );
    expect(problems).toEqual([
      'HOST is not set: set it',
      'PORT must be a whole number from 1 to 65535',
      'COUNT must be a whole number from 0 to 9',
      'LEVEL must be one of info, warn',
      'ON must be true or false',
      'KEY is not set (nor is KEY_FILE): make one',
    ]);
  });

  it('needs nothing for a service on one machine', () => {
    const config = readEnvironment({}, SHELL_SETTINGS);
    expect(config).toMatchObject({
      natsUrl: 'nats://127.0.0.1:4222',
      leaseTtlMs: 5_000,
      logLevel: 'info',
    });
    expect(config.instance).toMatch(/-\d+$/);
    expect(config.faultPoints.size).toBe(0);
  });

  it('refuses a fault point that does not exist or a hit that is no number', () => {
    const points = (value: string): readonly string[] =>
      problemsOf({ BUNNY_FAULT_POINTS: value }, SHELL_SETTINGS);
    expect(points('apply.after_commit@3, capture.after_ack')).toEqual([]);
    expect(points('apply.after_lunch')).toHaveLength(1);
    expect(points('apply.after_commit@0')).toHaveLength(1);
    expect(points('apply.after_commit@often')).toHaveLength(1);
  });
});
