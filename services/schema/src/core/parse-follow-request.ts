import type { SchemaFollowRequest } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import type { QualifiedName } from '@bunnydb/pg-model';
import { parseStructureRequest } from './parse-request.js';

/**
 * What the applier asks at a mark. It takes the mark from the stream, whose reader has checked it; only that it is one is checked.
 *
 * @throws MirrorError `invalid_input` with the path of what is wrong.
 */
export function parseFollowRequest(value: unknown): SchemaFollowRequest {
  const { spec } = parseStructureRequest(value);
  if (spec === undefined) throw invalid('spec', 'the spec of a mirror');
  const request = value as Partial<SchemaFollowRequest>;
  const { tables, cause } = request;
  if (!Array.isArray(tables) || !tables.every(isName)) throw invalid('tables', 'a list of names');
  if (!isCause(cause)) throw invalid('cause', 'a mark, or a failure');
  return { spec, tables, cause };
}

function isName(value: unknown): value is QualifiedName {
  if (typeof value !== 'object' || value === null) return false;
  return (
    typeof Reflect.get(value, 'schema') === 'string' &&
    typeof Reflect.get(value, 'table') === 'string'
  );
}

function isCause(value: unknown): value is SchemaFollowRequest['cause'] {
  if (typeof value !== 'object' || value === null) return false;
  switch (Reflect.get(value, 'kind')) {
    case 'relation':
      return Array.isArray(Reflect.get(value, 'columns'));
    case 'ddl':
      return Array.isArray(Reflect.get(value, 'objects'));
    case 'refused':
      return hasDetail(Reflect.get(value, 'failure'));
    default:
      return false;
  }
}

function hasDetail(failure: unknown): boolean {
  if (typeof failure !== 'object' || failure === null) return false;
  const detail: unknown = Reflect.get(failure, 'detail');
  return typeof detail === 'object' && detail !== null;
}

function invalid(path: string, expected: string): MirrorError {
  return new MirrorError('invalid_input', 'the request has not the shape that is expected', {
    detail: { path, expected },
  });
}
