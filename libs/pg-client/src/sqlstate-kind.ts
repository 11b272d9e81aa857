import { FailureKind } from '@bunnydb/failure';
import type { ServerRole } from './server-role.js';

/** What is looked at to judge an error that a server reported. The routine is the C function: unlike the text, it is not translated. */
export interface ServerFault {
  readonly sqlstate: string;
  readonly routine: string | undefined;
  readonly message: string;
}

/** The one table from SQLSTATE to kind. A whole code wins over its class (the first two characters). */
export function kindOfSqlstate(fault: ServerFault, role: ServerRole): FailureKind {
  return (
    kindByRoutine(fault) ??
    CODES[fault.sqlstate] ??
    (UNREACHABLE.has(fault.sqlstate) ? unreachable(role) : undefined) ??
    (fault.sqlstate.startsWith('08') ? unreachable(role) : undefined) ??
    CLASSES[fault.sqlstate.slice(0, 2)] ??
    FailureKind.Unexpected
  );
}

/** The kind of a server that does not answer. */
export function unreachable(role: ServerRole): FailureKind {
  return UNREACHABLE_KINDS[role];
}

const UNREACHABLE_KINDS: Readonly<Record<ServerRole, FailureKind>> = {
  source: FailureKind.SourceUnreachable,
  destination: FailureKind.DestinationUnreachable,
  peer: FailureKind.PeerUnreachable,
};

/** Codes that PostgreSQL uses for several things, told apart by the function that raised them. */
function kindByRoutine({ sqlstate, routine, message }: ServerFault): FailureKind | undefined {
  switch (sqlstate) {
    case '42704':
      if (routine?.includes('ReplicationSlot')) return FailureKind.SlotMissing;
      if (routine === 'get_publication_oid') return FailureKind.PublicationMissing;
      return undefined;
    case '55000':
      if (routine === 'CheckLogicalDecodingRequirements') return FailureKind.WalLevelNotLogical;
      if (routine !== undefined && READS_SLOT.has(routine)) return FailureKind.SlotInvalidated;
      return undefined;
    case '53300':
      // The name of a setting stays as it is in every language.
      return message.includes('max_wal_senders') ? FailureKind.SlotLimit : undefined;
    case '53400':
      return routine === 'ReplicationSlotCreate' ? FailureKind.SlotLimit : undefined;
    default:
      return undefined;
  }
}

const READS_SLOT = new Set([
  'CreateDecodingContext',
  'ReplicationSlotAcquire',
  'RaiseSlotInvalidationError',
  'StartReplication',
  'StartLogicalReplication',
]);

const UNREACHABLE = new Set(['57P04', '57P05', '25P03']);

const CODES: Readonly<Record<string, FailureKind>> = {
  '08P01': FailureKind.ProtocolViolation,
  '25006': FailureKind.ReadOnly,
  '25P04': FailureKind.StatementTimeout,
  '3D000': FailureKind.DatabaseMissing,
  '3F000': FailureKind.TableMissing,
  '42501': FailureKind.PrivilegeMissing,
  '42703': FailureKind.SchemaMismatch,
  '42704': FailureKind.SchemaMismatch,
  '42804': FailureKind.SchemaMismatch,
  '42846': FailureKind.SchemaMismatch,
  '42883': FailureKind.SchemaMismatch,
  '428C9': FailureKind.SchemaMismatch,
  '42P01': FailureKind.TableMissing,
  '42P10': FailureKind.SchemaMismatch,
  '53100': FailureKind.DiskFull,
  '55006': FailureKind.SlotInUse,
  '55P03': FailureKind.LockTimeout,
  '57014': FailureKind.StatementTimeout,
  '57P01': FailureKind.ServerShuttingDown,
  '57P02': FailureKind.ServerShuttingDown,
  '57P03': FailureKind.ServerShuttingDown,
  // A WAL segment that the slot needed has been removed.
  '58P01': FailureKind.SlotInvalidated,
};

const CLASSES: Readonly<Record<string, FailureKind>> = {
  '22': FailureKind.ValueRejected,
  '23': FailureKind.ConstraintViolated,
  '28': FailureKind.AuthenticationFailed,
  '40': FailureKind.SerializationConflict,
  '53': FailureKind.OutOfResources,
  '54': FailureKind.ValueRejected,
};
