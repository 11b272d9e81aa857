import type { TableStatus } from '@bunnydb/contracts';
import { formatQualifiedName } from '@bunnydb/pg-model';
import { givenUpRequest } from './evolve-lanes.js';
import type { MirrorEvent } from './mirror-event.js';
import type { OutsideTable, Streaming } from './mirror-state.js';
import { formerNameOf } from './moved-tables.js';

type Outside = Readonly<Record<string, OutsideTable>>;

/** A table in one of these is copied, or is about to be. */
export const COPY_STATUSES: readonly TableStatus[] = ['pending', 'copying', 'resyncing'];
const ON_ITS_WAY: readonly TableStatus[] = [...COPY_STATUSES, 'catching_up'];

/** Whether a table comes back by itself; one that is held or in error does not. */
export function isOnItsWay({ status, isAsked }: OutsideTable): boolean {
  return isAsked || ON_ITS_WAY.includes(status);
}

/**
 * Folds one event into what is known of tables outside the main lane. The first copy of a mirror is told as a whole, so until it
 * is done only tables that fail are noted.
 */
export function evolveOutside(state: Streaming, event: MirrorEvent): Streaming {
  const outside = state.outside ?? {};
  switch (event.type) {
    case 'table_state_changed': {
      const { table, status } = event.body;
      if (state.copy !== 'done' && ON_ITS_WAY.includes(status)) return state;
      return { ...state, outside: moved(outside, table, status) };
    }
    case 'tables_changed': {
      const { added: tables, removed } = event.body;
      const added =
        state.copy === 'done'
          ? tables.flatMap((table) => {
              const former = formerNameOf(table, removed);
              // One that was renamed is where it was.
              const place = former === undefined ? ADDED : outside[former];
              return place ? [[formatQualifiedName(table.source), place] as const] : [];
            })
          : [];
      const others = omit(outside, removed);
      return { ...state, outside: { ...others, ...Object.fromEntries(added) } };
    }
    case 'resync_requested':
      return { ...state, outside: { ...outside, ...asked(state, event.body.tables) } };
    case 'tables_joined':
      return { ...state, outside: omit(outside, event.body.tables) };
    default:
      return state;
  }
}

/** What a resync that was given up leaves: the tables stay where they are. To be folded before the lanes are. */
export function forgetAsked(state: Streaming, event: MirrorEvent): Streaming {
  const request = event.type === 'step_failed' ? givenUpRequest(state, event) : undefined;
  if (request?.wish.action !== 'resync') return state;
  const names = request.tables.length > 0 ? request.tables : Object.keys(state.outside ?? {});
  const known = Object.entries(state.outside ?? {});
  const outside = known.flatMap(([name, table]) => {
    if (!names.includes(name)) return [[name, table] as const];
    const { status, isCopied } = table;
    return status === 'running' && !isCopied
      ? []
      : [[name, { status, isCopied, isAsked: false }] as const];
  });
  return { ...state, outside: Object.fromEntries(outside) };
}

const ADDED: OutsideTable = { status: 'pending', isCopied: true, isAsked: false };

function moved(outside: Outside, table: string, status: TableStatus): Outside {
  const known = outside[table];
  if (status !== 'running') {
    const isCopied = known?.isCopied === true || COPY_STATUSES.includes(status);
    return { ...outside, [table]: { status, isCopied, isAsked: false } };
  }
  if (!known) return outside;
  // Told before the applier took the wish up, or back from a copy: then its indexes are still to be built.
  return known.isAsked || known.isCopied
    ? { ...outside, [table]: { ...known, status } }
    : omit(outside, [table]);
}

function asked(state: Streaming, tables: readonly string[]): Outside {
  const names =
    tables.length > 0
      ? tables
      : state.mirror.tables.map(({ source }) => formatQualifiedName(source));
  return Object.fromEntries(
    names.map((name) => {
      const { status, isCopied } = state.outside?.[name] ?? { status: 'running', isCopied: false };
      return [name, { status, isCopied, isAsked: true }];
    }),
  );
}

function omit(outside: Outside, names: readonly string[]): Outside {
  const gone = new Set(names);
  return Object.fromEntries(Object.entries(outside).filter(([name]) => !gone.has(name)));
}
