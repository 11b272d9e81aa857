import { readFileSync } from 'node:fs';
import { Secret } from './secret.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** How one value is read from the environment. */
export interface Setting<Value> {
  /** @throws InvalidSetting when the variable is missing or wrong. */
  readonly read: (environment: Environment) => Value;
}

type ValuesOf<Settings extends Readonly<Record<string, Setting<unknown>>>> = {
  readonly [Name in keyof Settings]: ReturnType<Settings[Name]['read']>;
};

/** One wrong variable: its name and how to mend it. Never its value. */
export class InvalidSetting extends Error {
  constructor(variable: string, problem: string) {
    super(`${variable} ${problem}`);
    this.name = 'InvalidSetting';
  }
}

/** All that is wrong with the environment, so that it can be mended at one go. */
export class InvalidEnvironment extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the environment is not usable:\n${problems.map((line) => `  - ${line}`).join('\n')}`);
    this.name = 'InvalidEnvironment';
    this.problems = problems;
  }
}

/**
 * Reads every setting of a schema once. A variable that is set to nothing counts as not set.
 *
 * @throws InvalidEnvironment that names every wrong variable.
 */
export function readEnvironment<Settings extends Readonly<Record<string, Setting<unknown>>>>(
  environment: Environment,
  settings: Settings,
): ValuesOf<Settings> {
  const problems: string[] = [];
  const entries = Object.entries(settings).map(([name, setting]) => {
    try {
      return [name, setting.read(environment)] as const;
    } catch (error) {
      if (!(error instanceof InvalidSetting)) {
        throw error;
      }
      problems.push(error.message);
      return [name, undefined] as const;
    }
  });
  if (problems.length > 0) {
    throw new InvalidEnvironment(problems);
  }
  // Each name was read by the setting of that name.
  return Object.fromEntries(entries) as ValuesOf<Settings>;
}

/** A text; required unless there is a fallback. */
export function text(variable: string, fallback?: string): Setting<string> {
  return {
    read: (environment) => valueOf(environment, variable) ?? required(variable, fallback, 'set it'),
  };
}

/** A text that may be missing. */
export function optionalText(variable: string): Setting<string | undefined> {
  return { read: (environment) => valueOf(environment, variable) };
}

export interface IntegerBounds {
  readonly min: number;
  readonly max: number;
}

/** A whole number within bounds; required unless there is a fallback. */
export function integer(
  variable: string,
  bounds: IntegerBounds,
  fallback?: number,
): Setting<number> {
  return {
    read: (environment) => {
      const raw = valueOf(environment, variable);
      return raw === undefined
        ? required(variable, fallback, `set it to ${rangeOf(bounds)}`)
        : parseInteger(variable, raw, bounds);
    },
  };
}

/** A whole number within bounds that may be missing. */
export function optionalInteger(
  variable: string,
  bounds: IntegerBounds,
): Setting<number | undefined> {
  return {
    read: (environment) => {
      const raw = valueOf(environment, variable);
      return raw === undefined ? undefined : parseInteger(variable, raw, bounds);
    },
  };
}

/** One of a few words; required unless there is a fallback. */
export function choice<Word extends string>(
  variable: string,
  words: readonly Word[],
  fallback?: Word,
): Setting<Word> {
  const advice = `must be one of ${words.join(', ')}`;
  return {
    read: (environment) => {
      const raw = valueOf(environment, variable);
      if (raw === undefined) {
        return required(variable, fallback, `it ${advice}`);
      }
      const word = words.find((candidate) => candidate === raw);
      if (word === undefined) {
        throw new InvalidSetting(variable, advice);
      }
      return word;
    },
  };
}

/** `true`/`false`, `1`/`0`, `yes`/`no`. */
export function flag(variable: string, fallback: boolean): Setting<boolean> {
  return {
    read: (environment) => {
      const raw = valueOf(environment, variable)?.toLowerCase();
      if (raw === undefined) {
        return fallback;
      }
      if (!['true', 'false', '1', '0', 'yes', 'no'].includes(raw)) {
        throw new InvalidSetting(variable, 'must be true or false');
      }
      return ['true', '1', 'yes'].includes(raw);
    },
  };
}

/** A secret, in `<variable>` itself or in the file that `<variable>_FILE` names. `advice` says how to make one. */
export function secret(variable: string, advice: string): Setting<Secret> {
  const optional = optionalSecret(variable);
  return {
    read: (environment) => {
      const value = optional.read(environment);
      if (value === undefined) {
        throw new InvalidSetting(variable, `is not set (nor is ${variable}_FILE): ${advice}`);
      }
      return value;
    },
  };
}

/** A secret that may be missing. */
export function optionalSecret(variable: string): Setting<Secret | undefined> {
  return {
    read: (environment) => {
      const raw = valueOf(environment, variable);
      if (raw !== undefined) {
        return new Secret(raw);
      }
      const path = valueOf(environment, `${variable}_FILE`);
      return path === undefined ? undefined : new Secret(readFile(`${variable}_FILE`, path));
    },
  };
}

/** The content of a file that the variable names, where it is set; it may be secret. */
export function optionalFile(variable: string): Setting<Secret | undefined> {
  return {
    read: (environment) => {
      const path = valueOf(environment, variable);
      return path === undefined ? undefined : new Secret(readFile(variable, path));
    },
  };
}

function readFile(variable: string, path: string): string {
  try {
    const content = readFileSync(path, 'utf8').trim();
    if (content !== '') {
      return content;
    }
  } catch {
    // Told below: an unreadable file and an empty one are mended alike.
  }
  throw new InvalidSetting(variable, 'names a file that is empty or cannot be read');
}

function valueOf(environment: Environment, variable: string): string | undefined {
  const raw = environment[variable]?.trim();
  return raw === '' ? undefined : raw;
}

function required<Value>(variable: string, fallback: Value | undefined, advice: string): Value {
  if (fallback === undefined) {
    throw new InvalidSetting(variable, `is not set: ${advice}`);
  }
  return fallback;
}

function parseInteger(variable: string, raw: string, bounds: IntegerBounds): number {
  const value = /^-?\d+$/.test(raw) ? Number(raw) : Number.NaN;
  if (!(value >= bounds.min && value <= bounds.max)) {
    throw new InvalidSetting(variable, `must be ${rangeOf(bounds)}`);
  }
  return value;
}

function rangeOf(bounds: IntegerBounds): string {
  return `a whole number from ${bounds.min} to ${bounds.max}`;
}
