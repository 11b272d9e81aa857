import { formatQualifiedName } from '@bunnydb/pg-model';
import { nextGeneration } from './evolve-facts.js';
import { READY, evolveWork, outstandingId } from './evolve-step.js';
import type { MirrorEvent } from './mirror-event.js';
import type { OutsideTable, SourceRebuild, Streaming, TableEdit } from './mirror-state.js';

/**
 * Folds one event into the rebuild of a mirror whose slot is lost, or whose source is another one:
 *
 *     rebuild_source ──▶ restart_position ──▶ every table on its way again, the mirror runs
 *
 * It takes the place of whatever was asked of lanes before, since every table is copied again. An edit of the tables that waits goes on afterwards.
 */
export function evolveRebuild(state: Streaming, event: MirrorEvent): Streaming {
  const { rebuild } = state;
  switch (event.type) {
    case 'rebuild_requested': {
      const { number, strategy, at } = event.body;
      const formerIdentity = rebuild?.formerIdentity ?? state.mirror.identity;
      return {
        ...state,
        troubles: {},
        lanes: undefined,
        resync: { since: at },
        rebuild: { stage: 'rebuild_source', number, strategy, formerIdentity, work: READY },
      };
    }
    case 'source_rebuilt':
      return rebuild?.stage === 'rebuild_source' && isAwaited(rebuild, event.body.command_id)
        ? {
            ...state,
            mirror: { ...nextGeneration(state.mirror), identity: event.body.identity },
            rebuild: { ...rebuild, stage: 'restart_position', work: READY },
          }
        : state;
    case 'position_restarted':
      return rebuild?.stage === 'restart_position' && isAwaited(rebuild, event.body.command_id)
        ? restarted(state)
        : state;
    default:
      return rebuild
        ? {
            ...state,
            rebuild: { ...rebuild, work: evolveWork(rebuild.work, rebuild.stage, event) },
          }
        : state;
  }
}

function isAwaited({ work }: SourceRebuild, commandId: string): boolean {
  return outstandingId(work) === commandId;
}

/** The mirror runs again, with every table on its way; that its first copy was not done does not matter any more. */
function restarted(state: Streaming): Streaming {
  const names = state.mirror.tables.map(({ source }) => formatQualifiedName(source));
  return {
    ...state,
    mirror: nextGeneration(state.mirror),
    copy: 'done',
    troubles: {},
    rebuild: undefined,
    edit: state.edit && triedAgain(state.edit),
    outside: Object.fromEntries(names.map((name) => [name, COPIED_AGAIN] as const)),
  };
}

/** What an edit waited for, a publication that was gone say, may be there now. */
function triedAgain(edit: TableEdit): TableEdit {
  return edit.stage !== 'letting_go' && edit.work.tag === 'waiting'
    ? { ...edit, work: { tag: 'ready', failures: edit.work.failures } }
    : edit;
}

const COPIED_AGAIN: OutsideTable = { status: 'resyncing', isCopied: true, isAsked: false };
