/** What is wrong with one field of a request. */
export interface FieldError {
  /** Like `table_mappings[0].source_table`; empty for the body as a whole. */
  readonly path: string;
  readonly message: string;
}

export type Parsed<Value> =
  | { readonly tag: 'parsed'; readonly value: Value }
  | { readonly tag: 'invalid'; readonly fields: readonly FieldError[] };

export function parsed<Value>(value: Value): Parsed<Value> {
  return { tag: 'parsed', value };
}

export function invalid(...fields: readonly FieldError[]): Parsed<never> {
  return { tag: 'invalid', fields };
}

/** Appends a member's name to a path. */
export function memberPath(path: string, member: string | number): string {
  if (typeof member === 'number') return `${path}[${member}]`;
  return path === '' ? member : `${path}.${member}`;
}
