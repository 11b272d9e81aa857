import { type FieldError, memberPath } from './field-error.js';

const DEPTH_MAX = 16;
/** More than any request has; what is judged one by one must not be endless. */
const MEMBERS_MAX = 200;
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
  const members = Object.entries(value);
  if (members.length > MEMBERS_MAX) return { path, message: 'has too many fields' };
  for (const [name, item] of members) {
    if (UNSTORABLE.test(name) || name in Object.prototype) {
      return { path: memberPath(path, name), message: 'unknown field' };
    }
    const found = findUnstorable(item, memberPath(path, name), depth + 1);
    if (found) return found;
  }
  return undefined;
}
