import { formatQualifiedName } from '@bunnydb/pg-model';
import type { TableMapping } from '@bunnydb/contracts';
import { READY, evolveWork, outstandingId } from './evolve-step.js';
import type { MirrorEvent } from './mirror-event.js';
import type { Streaming, TableEdit } from './mirror-state.js';
import { withMoved } from './moved-tables.js';

type ChangeRequested = Extract<MirrorEvent, { type: 'tables_change_requested' }>;
type Appeared = Extract<MirrorEvent, { type: 'tables_appeared' }>;

/**
 * Folds one event into the edit of a mirror's tables:
 *
 *     provision_tables ──▶ change_publication ──▶ (the mirror has them) ──▶ letting_go ──▶ drop_tables
 *
 * The last two only if tables shall be dropped. A destination table is dropped when an applier has taken up the spec without it, so that none
 * still writes there.
 */
export function evolveEdit(state: Streaming, event: MirrorEvent): Streaming {
  const { edit } = state;
  switch (event.type) {
    case 'tables_change_requested':
      return requested(state, event);
    case 'tables_appeared':
      return appeared(state, event);
    case 'tables_moved':
      return { ...state, moved: withMoved(state.moved ?? [], event.body.tables) };
    case 'tables_changed':
      return { ...state, edit: edit && changed(edit, state.mirror.generation) };
    case 'tables_provisioned':
      return edit?.stage === 'provision_tables' && isAwaited(edit, event.body.command_id)
        ? { ...state, edit: { ...edit, stage: 'change_publication', work: READY } }
        : state;
    case 'session_started': {
      const { service, generation } = event.body;
      return edit?.stage === 'letting_go' && service === 'apply' && generation >= edit.generation
        ? {
            ...state,
            edit: { stage: 'drop_tables', dropping: edit.dropping, work: READY },
          }
        : state;
    }
    case 'tables_dropped':
      return edit?.stage === 'drop_tables' && isAwaited(edit, event.body.command_id)
        ? { ...state, edit: undefined }
        : state;
    default:
      return edit && edit.stage !== 'letting_go'
        ? { ...state, edit: { ...edit, work: evolveWork(edit.work, edit.stage, event) } }
        : state;
  }
}

/** Whether the command is the one that the edit waits for. */
export function isAwaited(edit: TableEdit, commandId: string): boolean {
  return edit.stage !== 'letting_go' && outstandingId(edit.work) === commandId;
}

/** The new edit takes the place of one that waits; what that one should have dropped is still dropped, unless it comes back. */
function requested(state: Streaming, { body }: ChangeRequested): Streaming {
  const { tables, patterns, removed } = body;
  const leaving = new Set(body.drop_removed ? removed : []);
  const wanted = new Set(tables.map(({ destination }) => formatQualifiedName(destination)));
  const before = state.edit && 'tables' in state.edit ? [] : (state.edit?.dropping ?? []);
  const dropping = [
    ...before,
    ...state.mirror.tables.filter(({ source }) => leaving.has(formatQualifiedName(source))),
  ].filter(({ destination }) => !wanted.has(formatQualifiedName(destination)));
  const isIn = sourceNames(tables);
  const waiting = (state.appeared ?? []).filter((table) => !isIn.has(nameOf(table)));
  // What was told of a table that is left is of this edit; the source's session tells it again if need be.
  const moved = (state.moved ?? []).filter(({ table }) => isIn.has(formatQualifiedName(table)));
  return {
    ...state,
    moved: moved.length > 0 ? moved : undefined,
    appeared: patterns.length > 0 && waiting.length > 0 ? waiting : undefined,
    edit: { stage: 'provision_tables', tables, patterns, dropping, work: READY },
  };
}

function changed(edit: TableEdit, generation: number): TableEdit | undefined {
  const { dropping } = edit;
  return dropping.length === 0 ? undefined : { stage: 'letting_go', dropping, generation };
}

/** They join only as long as the mirror wants it so, which `react` looks at. */
function appeared(state: Streaming, { body }: Appeared): Streaming {
  const { mirror, edit } = state;
  const underWay = edit && 'tables' in edit ? edit.tables : [];
  const waiting = state.appeared ?? [];
  const known = sourceNames([...mirror.tables, ...underWay, ...waiting]);
  const fresh = body.tables.filter((table) => !known.has(nameOf(table)));
  const isWanted = (mirror.patterns ?? []).length > 0;
  return isWanted && fresh.length > 0 ? { ...state, appeared: [...waiting, ...fresh] } : state;
}

function sourceNames(tables: readonly TableMapping[]): ReadonlySet<string> {
  return new Set(tables.map(nameOf));
}

const nameOf = ({ source }: TableMapping): string => formatQualifiedName(source);
