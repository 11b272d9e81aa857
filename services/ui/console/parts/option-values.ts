import { MIRROR_OPTIONS, type OptionValue, type OptionValues } from './mirror-options.js';

/** The options that the console knows, of everything that a mirror is configured with. */
export function knownOptions(config: Readonly<Record<string, unknown>>): OptionValues {
  return Object.fromEntries(
    MIRROR_OPTIONS.flatMap(({ name }) => {
      const value = config[name];
      return isOptionValue(value) ? [[name, value]] : [];
    }),
  );
}

/** What differs, and so has to be asked for. */
export function changedOptions(values: OptionValues, from: OptionValues): OptionValues {
  return Object.fromEntries(
    Object.entries(values).filter(
      ([name, value]) => JSON.stringify(from[name]) !== JSON.stringify(value),
    ),
  );
}

/** What is worth saying for a new mirror: a text that is left empty is not. */
export function givenOptions(values: OptionValues): OptionValues {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
}

function isOptionValue(value: unknown): value is OptionValue {
  return ['boolean', 'number', 'string', 'object'].includes(typeof value) && value !== null;
}
