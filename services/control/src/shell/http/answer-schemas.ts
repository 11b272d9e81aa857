import { SCHEMA_CHANGE_GROUPS, SSL_MODES, TABLE_STATUSES } from '@bunnydb/contracts';
import { LOG_CATEGORIES, LOG_LEVELS } from '../../core/mirror/log-line.js';
import { MIRROR_STATUSES } from '../../core/mirror/mirror-status.js';
import { ROLES } from '../../core/user/user.js';
import type { JsonSchema } from './request-schema.js';

const TEXT = { type: 'string' };
const TEXT_OR_NULL = { type: ['string', 'null'] };
const COUNT = { type: 'integer', minimum: 0 };
const NUMBER = { type: 'number' };
const NUMBER_OR_NULL = { type: ['number', 'null'] };
const FLAG = { type: 'boolean' };
const TIME = { type: 'string', format: 'date-time' };
const TIME_OR_NULL = { type: ['string', 'null'], format: 'date-time' };
const LSN_OR_NULL = { type: ['string', 'null'], examples: ['0/1A2B3C4D'] };

const object = (properties: Readonly<Record<string, JsonSchema>>): JsonSchema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
});
const listOf = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
const schemaRef = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

/** Values as text by column; a column that was not sent is absent. */
const ROW_VALUES = { type: 'object', additionalProperties: TEXT_OR_NULL };

const MIRROR: Readonly<Record<string, JsonSchema>> = {
  id: TEXT,
  name: TEXT,
  source_peer: TEXT,
  destination_peer: TEXT,
  status: { type: 'string', enum: MIRROR_STATUSES },
  phase: { ...TEXT, description: 'What the mirror is doing now, in words.' },
  slot_name: TEXT_OR_NULL,
  publication_name: TEXT_OR_NULL,
  last_lsn: LSN_OR_NULL,
  source_lsn: LSN_OR_NULL,
  lag_bytes: NUMBER_OR_NULL,
  lag_seconds: NUMBER_OR_NULL,
  last_sync_batch_id: TEXT_OR_NULL,
  rows_per_second: NUMBER,
  error_message: TEXT_OR_NULL,
  error_hint: TEXT_OR_NULL,
  error_count: COUNT,
  next_retry_at: TIME_OR_NULL,
  pending_schema_changes: COUNT,
  tables_waiting: { ...COUNT, description: 'Tables that are held or in error.' },
  snapshot: object({
    tables_done: COUNT,
    tables_total: COUNT,
    rows_done: COUNT,
    rows_total: COUNT,
    bytes_done: COUNT,
    bytes_total: COUNT,
    eta_seconds: NUMBER_OR_NULL,
  }),
  config: { type: 'object', description: 'Every option with its value.' },
  created_at: TIME,
  updated_at: TIME,
};

const SCHEMA_CHANGE: Readonly<Record<string, JsonSchema>> = {
  id: { ...TEXT, description: 'The same as long as the difference is the same.' },
  kind: TEXT,
  group: { type: 'string', enum: SCHEMA_CHANGE_GROUPS },
  object: TEXT,
  sql: TEXT,
  destructive: FLAG,
  locks: TEXT,
  reason: TEXT,
};

const SYNCED_CHANGE: JsonSchema = {
  type: 'object',
  description: 'A change, with why it was skipped or failed.',
  properties: { ...SCHEMA_CHANGE, outcome: TEXT },
  required: ['object'],
};

const METRICS: Readonly<Record<string, JsonSchema>> = {
  lag_bytes: NUMBER_OR_NULL,
  lag_seconds: NUMBER_OR_NULL,
  total_rows_synced: COUNT,
  rows_per_second: NUMBER,
  transactions_per_second: NUMBER,
  retained_wal_bytes: NUMBER_OR_NULL,
  stream_bytes: NUMBER_OR_NULL,
  stream_messages: NUMBER_OR_NULL,
};

/** What the gateway answers with, by name; `Answers` refers to these. */
export const ANSWER_SCHEMAS = {
  Session: object({
    token: TEXT,
    expires_at: TIME,
    username: TEXT,
    role: { type: 'string', enum: ROLES },
  }),
  Me: object({ username: TEXT, role: { type: 'string', enum: ROLES }, expires_at: TIME }),
  User: object({
    username: TEXT,
    role: { type: 'string', enum: ROLES },
    created_at: TIME,
    updated_at: TIME,
  }),
  Message: object({ message: TEXT }),
  Deleted: object({ deleted: TEXT }),
  Peer: object({
    name: TEXT,
    host: TEXT,
    port: COUNT,
    user: TEXT,
    database: TEXT,
    ssl_mode: { type: 'string', enum: SSL_MODES },
    has_password: FLAG,
    has_ssl_root_cert: FLAG,
    has_ssl_cert: FLAG,
    has_ssl_key: FLAG,
    created_at: TIME,
    updated_at: TIME,
  }),
  PeerTest: {
    type: 'object',
    properties: {
      success: FLAG,
      version: TEXT,
      server_version_num: COUNT,
      latency_ms: NUMBER,
      is_standby: FLAG,
      wal_level: TEXT,
      can_replicate: FLAG,
      can_create: FLAG,
      max_replication_slots: COUNT,
      used_replication_slots: COUNT,
      error: TEXT,
      hint: TEXT,
    },
    required: ['success'],
  },
  PeerTable: object({
    schema: TEXT,
    table_name: TEXT,
    row_count: NUMBER,
    bytes: NUMBER,
    has_primary_key: FLAG,
    replica_identity: { type: 'string', enum: ['default', 'full', 'index', 'nothing'] },
    partitioned: FLAG,
  }),
  Mirror: object(MIRROR),
  MirrorTable: object({
    table_name: TEXT,
    destination_table: TEXT,
    status: { type: 'string', enum: TABLE_STATUSES },
    rows_synced: COUNT,
    rows_inserted: COUNT,
    rows_updated: COUNT,
    rows_deleted: COUNT,
    copy: {
      ...object({
        partitions_done: COUNT,
        partitions_total: COUNT,
        rows_done: COUNT,
        rows_estimated: COUNT,
        bytes_done: COUNT,
        bytes_estimated: COUNT,
        eta_seconds: {
          type: ['number', 'null'],
          description:
            'At the pace of the last seconds; null: nothing is copied, or that is unknown.',
        },
      }),
      type: ['object', 'null'],
      description: 'Progress of the copy.',
    },
    last_synced_at: TIME_OR_NULL,
    error_message: {
      ...TEXT_OR_NULL,
      description: 'Why it is held or in error, and what to do about it.',
    },
    next_retry_at: { ...TIME_OR_NULL, description: 'Null: a person is needed.' },
  }),
  MirrorWithTables: object({ ...MIRROR, tables: listOf(schemaRef('MirrorTable')) }),
  MirrorTables: object({ config: { type: 'object' }, tables: listOf(schemaRef('MirrorTable')) }),
  Wish: object({ name: TEXT, status: { type: 'string', enum: MIRROR_STATUSES }, message: TEXT }),
  TablesChange: object({
    name: TEXT,
    status: { type: 'string', enum: MIRROR_STATUSES },
    message: TEXT,
    added: listOf(TEXT),
    removed: listOf(TEXT),
  }),
  Check: object({ name: TEXT, ok: FLAG, detail: TEXT, fix: TEXT }),
  Preflight: object({
    ok: FLAG,
    checks: listOf(schemaRef('Check')),
    tables: { type: 'array', items: { type: 'object' } },
  }),
  SchemaDiff: object({
    tables: listOf(TEXT),
    changes: listOf(object(SCHEMA_CHANGE)),
    notes: listOf(object({ object: TEXT, reason: TEXT })),
    in_sync: FLAG,
    left_off: COUNT,
  }),
  SchemaSync: object({
    applied: listOf(SYNCED_CHANGE),
    skipped: listOf(SYNCED_CHANGE),
    failed: listOf(SYNCED_CHANGE),
    left_off: COUNT,
  }),
  LogPage: object({
    logs: listOf(
      object({
        id: COUNT,
        level: { type: 'string', enum: LOG_LEVELS },
        category: { type: 'string', enum: LOG_CATEGORIES },
        message: TEXT,
        details: { type: 'object' },
        created_at: TIME,
      }),
    ),
    total: COUNT,
  }),
  EventPage: object({
    events: listOf(
      object({
        id: COUNT,
        type: TEXT,
        at: TIME,
        actor: TEXT,
        level: { type: ['string', 'null'], enum: [...LOG_LEVELS, null] },
        message: {
          ...TEXT_OR_NULL,
          description: 'As in the log; null: it says nothing to people.',
        },
        body: { type: 'object' },
      }),
    ),
  }),
  AuditPage: object({
    entries: listOf(
      object({
        id: COUNT,
        at: TIME,
        actor: { ...TEXT, description: 'The user who did it.' },
        kind: { type: 'string', enum: ['mirror', 'peer', 'user'] },
        name: {
          ...TEXT_OR_NULL,
          description: 'The name that the mirror, peer or user was made under; it may be gone.',
        },
        type: TEXT,
        message: TEXT,
      }),
    ),
  }),
  EventStream: { type: 'string' },
  ChangeStream: { type: 'string', description: 'Events `changes`, each a list of `RowChange`.' },
  RowChange: object({
    at: { ...TIME, description: 'When its transaction committed at the source.' },
    table: TEXT,
    operation: { type: 'string', enum: ['insert', 'update', 'delete', 'truncate'] },
    columns: listOf(TEXT),
    row: {
      ...ROW_VALUES,
      description: 'The new row; of a delete the old one, as far as it is told.',
    },
    old: { ...ROW_VALUES, type: ['object', 'null'] },
    unchanged: {
      ...listOf(TEXT),
      description: 'Columns that are as they were, and too large for the source to say again.',
    },
    cut: { ...listOf(TEXT), description: 'Columns whose value is longer than what is here.' },
  }),
  Metrics: {
    type: 'object',
    properties: {
      ...METRICS,
      last_sync_time: TIME_OR_NULL,
      transactions: COUNT,
      changes: COUNT,
      batches: COUNT,
      exact_path_batches: COUNT,
      missing_rows: COUNT,
      wal_room_bytes: {
        ...NUMBER_OR_NULL,
        description:
          'WAL that may still come before the source gives the slot up; null: it has no limit.',
      },
      source_lsn: TEXT_OR_NULL,
      published_lsn: TEXT_OR_NULL,
      confirmed_lsn: TEXT_OR_NULL,
      applied_lsn: TEXT_OR_NULL,
      flushed_lsn: TEXT_OR_NULL,
      series: listOf(object({ at: TIME, ...METRICS })),
    },
    required: Object.keys(METRICS),
  },
  Problem: {
    type: 'object',
    description: 'RFC 9457; `error` repeats `detail`.',
    properties: {
      type: TEXT,
      title: TEXT,
      status: COUNT,
      detail: TEXT,
      error: TEXT,
      request_id: TEXT,
      fields: listOf(object({ path: TEXT, message: TEXT })),
      checks: listOf(schemaRef('Check')),
    },
    required: ['type', 'title', 'status', 'detail', 'error', 'request_id'],
  },
} as const satisfies Readonly<Record<string, JsonSchema>>;

export type AnswerName = keyof typeof ANSWER_SCHEMAS;
