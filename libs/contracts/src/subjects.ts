/**
 * Every NATS subject, stream and bucket is named here and nowhere else.
 *
 *     bunny.cdc.<mirror name>.<schema>.<table>   rows of one table (stream BUNNY_CDC_<mirror id>)
 *     bunny.cdc.<mirror name>._commit            the end of a batch
 *     bunny.cdc.<mirror name>._schema            a table's new shape, or a DDL command of the source
 *     bunny.cmd.<service>.<verb>                 commands (work-queue stream BUNNY_COMMANDS)
 *     bunny.evt.<mirror id>.<service>.<type>     what happened (stream BUNNY_EVENTS)
 *     bunny.position.<mirror id>                 the destination's durable position (not stored)
 *     bunny.stats.<mirror id>.<service>          progress and counters, about once a second (not stored)
 *     bunny.retry.<mirror id>                    "end the wait now" (not stored)
 *     bunny.lanes.<mirror id>                    "look at the lanes' wishes now" (not stored)
 *     bunny.look.<mirror id>                     "compare the structure now" (not stored)
 *     bunny.capture.progress.<mirror id>         "tell how far the source is, now" (not stored)
 *     bunny.heartbeat.<service>.<instance>       a service is alive (not stored)
 *     bunny.<service>.<query>                    request/reply, open to `nats req`
 *     bunny.<service>.log_level[.<instance>]     request/reply: tells or changes the log's level, of all instances or of one
 */
export const SERVICE_NAMES = ['capture', 'apply', 'schema', 'control'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

export const COMMAND_STREAM = 'BUNNY_COMMANDS';
export const EVENT_STREAM = 'BUNNY_EVENTS';
/** KV bucket: mirror id → `MirrorSpec`, written by control, watched by capture and apply. */
export const SPEC_BUCKET = 'bunny_specs';
/** KV bucket: `<service>.<mirror id>` → holder of the lease; entries expire with the bucket's TTL. */
export const LEASE_BUCKET = 'bunny_leases';

export const commandSubject = (service: ServiceName, verb: string): string =>
  `bunny.cmd.${service}.${verb}`;
export const commandFilter = (service: ServiceName): string => `bunny.cmd.${service}.>`;
export const ALL_COMMANDS = 'bunny.cmd.>';
/** Durable consumer of a service on the command stream. */
export const commandConsumer = (service: ServiceName): string => `bunny_${service}`;

export const eventSubject = (mirrorId: string, service: ServiceName, type: string): string =>
  `bunny.evt.${mirrorId}.${service}.${type}`;
export const ALL_EVENTS = 'bunny.evt.>';

export const positionSubject = (mirrorId: string): string => `bunny.position.${mirrorId}`;
export const statsSubject = (mirrorId: string, service: ServiceName): string =>
  `bunny.stats.${mirrorId}.${service}`;
export const ALL_STATS = 'bunny.stats.>';
export const retrySubject = (mirrorId: string): string => `bunny.retry.${mirrorId}`;
/** Told to the mirror's apply session after something in `_bunny.table_state` was asked of it. */
export const lanesSubject = (mirrorId: string): string => `bunny.lanes.${mirrorId}`;
/** Told to the mirror's schema session when the source's structure has changed. */
export const lookSubject = (mirrorId: string): string => `bunny.look.${mirrorId}`;
/** Told to the mirror's capture session by whoever waits for an idle mirror's position: a `ProgressWanted`. */
export const progressSubject = (mirrorId: string): string => `bunny.capture.progress.${mirrorId}`;
export const heartbeatSubject = (service: ServiceName, instance: string): string =>
  `bunny.heartbeat.${service}.${instance}`;
export const ALL_HEARTBEATS = 'bunny.heartbeat.>';
/** Answered by every instance of a service, or by one. */
export const logLevelSubject = (service: ServiceName, instance?: string): string =>
  `bunny.${service}.log_level${instance === undefined ? '' : `.${encodeToken(instance)}`}`;

/** Request/reply subjects; the payload is plain JSON. */
export const Query = {
  SchemaPeerTest: 'bunny.schema.peer_test',
  SchemaPeerTables: 'bunny.schema.peer_tables',
  SchemaValidate: 'bunny.schema.validate',
  SchemaDiff: 'bunny.schema.diff',
  SchemaSync: 'bunny.schema.sync',
  /** Asked by apply at a schema mark, in stream order. */
  SchemaFollow: 'bunny.schema.follow',
  /** Asked by apply's lanes: the shadow table of a swap. */
  SchemaShadow: 'bunny.schema.shadow',
  SchemaSwapCheck: 'bunny.schema.swap_check',
  /** Answered by the apply session of that mirror: `bunny.apply.position.<mirror id>`. */
  ApplyPosition: 'bunny.apply.position',
  /** Answered by the capture session of that mirror: `bunny.capture.rewind.<mirror id>`. */
  CaptureRewind: 'bunny.capture.rewind',
} as const;

export const changeStreamName = (mirrorId: string): string => `BUNNY_CDC_${mirrorId}`;
export const changeSubjects = (mirrorName: string): string => `bunny.cdc.${mirrorName}.>`;
export const commitSubject = (mirrorName: string): string => `bunny.cdc.${mirrorName}._commit`;
export const schemaMarkSubject = (mirrorName: string): string => `bunny.cdc.${mirrorName}._schema`;
export const tableSubject = (mirrorName: string, schema: string, table: string): string =>
  `bunny.cdc.${mirrorName}.${encodeToken(schema)}.${encodeToken(table)}`;

/** Slot and publication names come from the mirror's id, so that a name can be used again. */
export const defaultSlotName = (mirrorId: string): string => `bunny_${mirrorId}`;
export const defaultPublicationName = (mirrorId: string): string => `bunny_${mirrorId}`;

/**
 * Percent-encodes what a NATS subject token may not hold (dot, wildcards, white space, control and non-ASCII
 * characters) and `%` itself. A leading underscore or `$` is encoded too, so that no table can be `_commit`.
 */
export function encodeToken(name: string): string {
  let token = '';
  for (const byte of new TextEncoder().encode(name)) {
    const char = String.fromCharCode(byte);
    const plain = /[A-Za-z0-9_-]/.test(char) && !(token === '' && char === '_');
    token += plain ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return token;
}

/** Undoes `encodeToken`. */
export function decodeToken(token: string): string {
  return decodeURIComponent(token);
}
