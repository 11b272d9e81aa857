import type { DdlMark, DdlObject } from '@bunnydb/change-stream';

/** Prefix of the logical messages that the source's event triggers write. */
export const DDL_PREFIX = 'bunny_ddl';

/**
 * Reads what an event trigger of the source told. Whoever may run SQL there can write such a message, so one that is not as ours are is
 * passed over like that of another mirror; what it could do is make us compare structures once more.
 */
export function parseDdlMessage(content: Uint8Array, mirrorId: string): DdlMark | undefined {
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
    objects: objects.flatMap(parseObject),
    ...(typeof left === 'number' && left > 0 ? { objects_left: left } : {}),
  };
}

function parseObject(value: unknown): DdlObject[] {
  if (!isRecord(value)) return [];
  const { type, schema, identity, table, dropped } = value;
  if (typeof type !== 'string' || typeof identity !== 'string') return [];
  return [
    {
      type,
      schema: typeof schema === 'string' ? schema : null,
      identity,
      ...parseTable(table),
      dropped: dropped === true,
    },
  ];
}

function parseTable(value: unknown): Pick<DdlObject, 'table'> {
  if (!isRecord(value)) return {};
  const { schema, table } = value;
  return typeof schema === 'string' && typeof table === 'string'
    ? { table: { schema, table } }
    : {};
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
