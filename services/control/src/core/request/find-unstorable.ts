import { type FieldError, memberPath } from './field-error.js';

const DEPTH_MAX = 16;
/** PostgreSQL stores neither NUL nor half of a surrogate pair. */
const UNSTORABLE = /\0|\p{Surrogate}/u;

/** Looks for what no field may hold, whatever its meaning: unstorable characters, names of the prototype chain, endless nesting. */
export function findUnstorable(value: unknown, path = '', depth = 0): FieldError | undefined {
  if (typeof value === 'string') {
    return UNSTORABLE.test(value)
      ? { path, message: 'must not hold NUL or unpaired surrogate characters' }
      : undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= DEPTH_MAX) return { path, message: 'is nested too deeply' };
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const found = findUnstorable(item, memberPath(path, index), depth + 1);
      if (found) return found;
    }
    return undefined;
  }
  for (const [name, item] of Object.entries(value)) {
    if (UNSTORABLE.test(name) || name in Object.prototype) {
      return { path: memberPath(path, name), message: 'unknown field' };
    }
    const found = findUnstorable(item, memberPath(path, name), depth + 1);
    if (found) return found;
  }
  return undefined;
}
