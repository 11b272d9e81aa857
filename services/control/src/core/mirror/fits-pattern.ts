import type { TablePattern } from '@bunnydb/contracts';
import { type QualifiedName, matchesName, parseNamePattern } from '@bunnydb/pg-model';

/** Whether a pattern of a mirror stands for a table of this name, as far as the name tells. */
export function fitsPattern(
  { source_schema: schema, except = [] }: TablePattern,
  name: QualifiedName,
): boolean {
  if (schema !== '*' && schema !== name.schema) return false;
  return !except.some((text) => {
    const exception = parseNamePattern(text);
    return exception !== undefined && matchesName(exception, name);
  });
}
