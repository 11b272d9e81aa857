import type { DdlMark, DdlObject } from '@bunnydb/change-stream';
import type { QualifiedName } from '@bunnydb/pg-model';
import type { RelationScope } from './relation.js';

/** Prefix of the logical messages that the source's event triggers write. */
export const DDL_PREFIX = 'bunny_ddl';

/**
 * Reads what an event trigger of the source told. Whoever may run SQL there can write such a message, so one that is not as ours are is
 * passed over like that of another mirror; what it could do is make us compare structures once more.
 */
export function parseDdlMessage(
  content: Uint8Array,
  mirrorId: string,
  scope: Pick<RelationScope, 'names'>,
): DdlMark | undefined {
  const body = parseJson(content);
  if (!isRecord(body) || body['mirror'] !== mirrorId) return undefined;
  const { tag, role, search_path: searchPath, objects, objects_left: left } = body;
  if (typeof tag !== 'string' || tag.length > TAG_CHARS_MAX || !Array.isArray(objects)) {
    return undefined;
  }
  return {
    kind: 'ddl',
    tag,
    role: short(role),
    search_path: short(searchPath),
    objects: objects.flatMap((object) => parseObject(object, scope)),
    ...(typeof left === 'number' && left > 0 ? { objects_left: left } : {}),
  };
}

function parseObject(value: unknown, scope: Pick<RelationScope, 'names'>): DdlObject[] {
  if (!isRecord(value)) return [];
  const { type, schema, identity, dropped } = value;
  if (typeof type !== 'string' || typeof identity !== 'string') return [];
  const table = parseTable(value['table']);
  const root = parseTable(value['root']);
  // A partition is known to the mirror under the name of the table that it is a part of, unless it is mirrored for itself.
  const owner = root && table && !scope.names(table) && scope.names(root) ? root : table;
  return [
    {
      type,
      schema: typeof schema === 'string' ? schema : null,
      identity,
      ...(owner ? { table: owner } : {}),
      dropped: dropped === true,
    },
  ];
}

function parseTable(value: unknown): QualifiedName | undefined {
  if (!isRecord(value)) return undefined;
  const { schema, table } = value;
  return typeof schema === 'string' && typeof table === 'string' ? { schema, table } : undefined;
}

function parseJson(content: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(content));
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function short(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, TEXT_CHARS_MAX) : '';
}

const TAG_CHARS_MAX = 64;
/** The trigger keeps its texts shorter than this. */
const TEXT_CHARS_MAX = 4_096;
