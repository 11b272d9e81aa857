import type { ChangeKind, StructureChange } from './structure-change.js';

/** Changes that may be made at the same time, over all tables; those of one table go one after the other. */
export interface BuildPhase {
  readonly name:
    'columns' | 'keys' | 'indexes' | 'checks' | 'foreign_keys' | 'validate' | 'settings';
  readonly byTable: readonly (readonly StructureChange[])[];
  readonly isParallel: boolean;
}

/**
 * Cuts ordered changes into phases, each of which builds on those before it. Foreign keys are added one at a time, since each locks two tables, and
 * two that lock the same tables the other way round would be in a deadlock.
 */
export function buildPhases(changes: readonly StructureChange[]): readonly BuildPhase[] {
  return PHASES.map(({ name, isParallel }) => {
    const byTable = new Map<string, StructureChange[]>();
    for (const change of changes) {
      if (phaseOf(change.kind) !== name) continue;
      const ofTable = byTable.get(change.table);
      if (ofTable) ofTable.push(change);
      else byTable.set(change.table, [change]);
    }
    return { name, isParallel, byTable: [...byTable.values()] };
  });
}

/** Whether it adds something. What is there already is changed only when a person asks for it. */
export function isBuilt(change: Pick<StructureChange, 'kind' | 'overwrites'>): boolean {
  return BUILT_KINDS.has(change.kind) && change.overwrites !== true;
}

/** Whether a new table should have it before its rows come: how values are stored, and how full pages get. */
export function isForEmptyTable(change: Pick<StructureChange, 'kind' | 'overwrites'>): boolean {
  return change.kind === 'set_option' && change.overwrites !== true;
}

function phaseOf(kind: ChangeKind): BuildPhase['name'] {
  switch (kind) {
    case 'add_primary_key':
    case 'add_unique':
    case 'add_exclusion':
    case 'replace_constraint':
    case 'create_unique_index':
    case 'drop_constraint':
      return 'keys';
    case 'create_index':
    case 'replace_index':
    case 'drop_index':
      return 'indexes';
    case 'add_check':
    case 'replace_check':
    case 'validate_check':
    case 'drop_check':
      return 'checks';
    case 'add_foreign_key':
    case 'replace_foreign_key':
    case 'drop_foreign_key':
      return 'foreign_keys';
    case 'validate_foreign_key':
      return 'validate';
    case 'create_statistics':
    case 'replace_statistics':
    case 'drop_statistics':
    case 'set_statistics_target':
    case 'set_option':
    case 'set_index_option':
    case 'reset_option':
    case 'set_replica_identity':
    case 'set_cluster':
    case 'set_comment':
    case 'drop_comment':
      return 'settings';
    default:
      return 'columns';
  }
}

const BUILT_KINDS: ReadonlySet<ChangeKind> = new Set([
  'create_extension',
  'add_primary_key',
  'add_unique',
  'add_exclusion',
  'create_unique_index',
  'create_index',
  'add_check',
  'validate_check',
  'add_foreign_key',
  'validate_foreign_key',
  'create_collation',
  'create_type',
  'create_partition',
  'create_statistics',
  'set_statistics_target',
  'set_option',
  'set_index_option',
  'set_replica_identity',
  'set_cluster',
  'set_comment',
]);

const PHASES = [
  { name: 'columns', isParallel: false },
  { name: 'keys', isParallel: true },
  { name: 'indexes', isParallel: true },
  { name: 'checks', isParallel: true },
  { name: 'foreign_keys', isParallel: false },
  { name: 'validate', isParallel: true },
  { name: 'settings', isParallel: false },
] as const;
