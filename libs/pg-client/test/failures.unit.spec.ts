import { MirrorError } from '@bunnydb/failure';
import { describe, expect, it } from 'vitest';
import type { ConnectionSettings } from '../src/connection-settings.js';
import { toMirrorError } from '../src/mirror-error.js';
import { parseServerError } from '../src/server-error-fields.js';
import { tlsAttempts } from '../src/tls-options.js';

const server = (code: string, routine?: string, message = 'words'): Error =>
  Object.assign(new Error(message), { code, severity: 'ERROR', routine });

describe('the kind of a failure', () => {
  it.each([
    ['57P03', undefined, 'server_shutting_down'],
    ['28P01', undefined, 'authentication_failed'],
    ['3D000', undefined, 'database_missing'],
    ['08006', undefined, 'source_unreachable'],
    ['42501', undefined, 'privilege_missing'],
    ['42P01', undefined, 'table_missing'],
    ['42704', undefined, 'schema_mismatch'],
    ['42704', 'ReplicationSlotAcquire', 'slot_missing'],
    ['42704', 'get_publication_oid', 'publication_missing'],
    ['55000', 'CheckLogicalDecodingRequirements', 'wal_level_not_logical'],
    ['55000', 'CreateDecodingContext', 'slot_invalidated'],
    ['55000', 'somethingElse', 'unexpected'],
    ['55006', undefined, 'slot_in_use'],
    ['53400', 'ReplicationSlotCreate', 'slot_limit'],
    ['53300', undefined, 'out_of_resources'],
    ['53100', undefined, 'disk_full'],
    ['22P02', undefined, 'value_rejected'],
    ['23505', undefined, 'constraint_violated'],
    ['40P01', undefined, 'serialization_conflict'],
    ['25006', undefined, 'read_only'],
    ['XX000', undefined, 'unexpected'],
  ])('SQLSTATE %s from %s is %s', (code, routine, kind) => {
    expect(toMirrorError(server(code, routine), { role: 'source' }).kind).toBe(kind);
  });

  it('a socket error tells which side is out of reach', () => {
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    expect(toMirrorError(refused, { role: 'source' }).kind).toBe('source_unreachable');
    expect(toMirrorError(refused, { role: 'destination' }).kind).toBe('destination_unreachable');
    const lost = new Error('Connection terminated unexpectedly');
    expect(toMirrorError(lost, { role: 'destination' }).kind).toBe('destination_unreachable');
  });

  it('a certificate that does not fit is a failure of TLS', () => {
    const error = Object.assign(new Error('x'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(toMirrorError(error, { role: 'source' }).kind).toBe('tls_failed');
  });

  it('names are told, the text and the values of the server are not', () => {
    const error = Object.assign(server('23505', undefined, 'duplicate key (id)=(42)'), {
      detail: 'Key (id)=(42) already exists.',
      constraint: 't_pkey',
      table: 't',
    });
    const failure = toMirrorError(error, { role: 'destination', mirror: 'shop' });
    expect(failure.detail).toEqual({
      role: 'destination',
      mirror: 'shop',
      sqlstate: '23505',
      table: 't',
      constraint: 't_pkey',
      columns: 'id',
    });
    expect(failure.message).not.toContain('42');
    expect(failure.cause).toBe(error);
  });

  it('names what the user may not, as the server itself says it, and nothing that a function raises', () => {
    const detailOf = (routine: string, message: string): object =>
      toMirrorError(server('42501', routine, message), { role: 'source' }).detail;
    const denied = (routine: string, message: string): object => {
      const { sqlstate, role, ...rest } = { ...detailOf(routine, message) } as Record<
        string,
        string
      >;
      expect([sqlstate, role]).toEqual(['42501', 'source']);
      return rest;
    };
    expect(denied('aclcheck_error', 'permission denied for table position')).toEqual({
      object: 'table position',
    });
    expect(denied('aclcheck_error', 'must be owner of table account')).toEqual({
      object: 'table account',
      privilege: 'ownership',
    });
    expect(denied('InitPostgres', 'permission denied to start WAL sender')).toEqual({
      privilege: 'REPLICATION',
    });
    expect(denied('exec_stmt_raise', 'permission denied for customer 4711')).toEqual({});
    expect(denied('aclcheck_error', 'keine Berechtigung für Tabelle position')).toEqual({});
  });

  it('of a key its columns are told, of a row that fails a check nothing is', () => {
    const columnsOf = (sqlstate: string, detail: string): unknown =>
      toMirrorError(Object.assign(server(sqlstate), { detail }), { role: 'destination' }).detail[
        'columns'
      ];
    expect(columnsOf('23505', 'Key (a, b)=(1, x)=(y) already exists.')).toBe('a, b');
    expect(columnsOf('23505', 'Key (lower(a))=(x) already exists.')).toBe('lower(a)');
    expect(columnsOf('23503', 'Key (a)=(1) is not present in table "t".')).toBe('a');
    expect(columnsOf('23514', 'Failing row contains (a)=(b).')).toBeUndefined();
  });

  it('a failure that is judged already only gains context', () => {
    const first = new MirrorError('slot_missing', 'gone');
    expect(toMirrorError(first, { role: 'source', slot: 's' })).toMatchObject({
      kind: 'slot_missing',
      detail: { role: 'source', slot: 's' },
    });
  });

  it('an error of the replication stream reads like one of the driver', () => {
    const body = Buffer.from('SERROR\0VERROR\0C42704\0Mno slot\0RReplicationSlotAcquire\0\0');
    const error = parseServerError(body);
    expect(error).toMatchObject({ code: '42704', routine: 'ReplicationSlotAcquire' });
    expect(toMirrorError(error, { role: 'source' }).kind).toBe('slot_missing');
  });
});

describe('ssl_mode', () => {
  const settings = (
    sslMode: ConnectionSettings['sslMode'],
    more: Partial<ConnectionSettings> = {},
  ): ConnectionSettings => ({
    host: 'db.example',
    port: 5432,
    user: 'u',
    database: 'd',
    applicationName: 'a',
    sslMode,
    ...more,
  });

  it('prefer tries TLS, then does without', () => {
    const [first, second] = tlsAttempts(settings('prefer'));
    expect(first).toMatchObject({ rejectUnauthorized: false });
    expect(second).toBe(false);
  });

  it('disable never tries TLS and the others never do without', () => {
    expect(tlsAttempts(settings('disable'))).toEqual([false]);
    for (const mode of ['require', 'verify-ca', 'verify-full'] as const) {
      expect(tlsAttempts(settings(mode))).not.toContain(false);
    }
  });

  it('the chain is checked by verify-ca, by verify-full, and by require with a root certificate', () => {
    const checks = (s: ConnectionSettings): unknown => {
      const [first] = tlsAttempts(s);
      return first ? first.rejectUnauthorized : undefined;
    };
    expect(checks(settings('require'))).toBe(false);
    expect(checks(settings('require', { sslRootCert: 'pem' }))).toBe(true);
    expect(checks(settings('verify-ca'))).toBe(true);
    expect(checks(settings('verify-full'))).toBe(true);
  });

  it('only verify-full checks the host name', () => {
    const own = (mode: ConnectionSettings['sslMode']): boolean => {
      const [first] = tlsAttempts(settings(mode));
      return first !== undefined && first !== false && first.checkServerIdentity !== undefined;
    };
    expect(own('verify-ca')).toBe(true);
    expect(own('verify-full')).toBe(false);
  });
});
