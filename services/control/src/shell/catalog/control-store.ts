import type { Kysely } from 'kysely';
import { CommandHandler, EventStore } from '@bunnydb/event-store';
import { faultPoint } from '@bunnydb/failure';
import { activeTraceParent } from '@bunnydb/messaging';
import {
  type ControlEvent,
  decodeControlEvent,
  isMirrorEvent,
  isPeerEvent,
  isUserEvent,
} from '../../core/control-event.js';
import type { Refusal } from '../../core/decision.js';
import { decideMirror } from '../../core/mirror/decide-mirror.js';
import { evolveMirror } from '../../core/mirror/evolve-mirror.js';
import type { MirrorCommand } from '../../core/mirror/mirror-command.js';
import type { MirrorEvent } from '../../core/mirror/mirror-event.js';
import { ABSENT_MIRROR, type MirrorState } from '../../core/mirror/mirror-state.js';
import { type MirrorEffect, reactMirror } from '../../core/mirror/react-mirror.js';
import { messageOf } from '../../core/outbox-message.js';
import {
  ABSENT_PEER,
  type PeerCommand,
  type PeerEvent,
  type PeerState,
  decidePeer,
  evolvePeer,
} from '../../core/peer/peer.js';
import {
  ABSENT_USER,
  type UserCommand,
  type UserEvent,
  type UserState,
  decideUser,
  evolveUser,
} from '../../core/user/user.js';
import type { CatalogTables } from './catalog-tables.js';
import { logProjection } from './log-projection.js';
import { mirrorProjection } from './mirror-projection.js';
import { peerProjection } from './peer-projection.js';
import { userProjection } from './user-projection.js';

type Handler<State, Command, Event extends ControlEvent, Effect> = CommandHandler<
  State,
  Command,
  Event,
  Refusal,
  Effect,
  ControlEvent,
  CatalogTables
>;

export type MirrorHandler = Handler<MirrorState, MirrorCommand, MirrorEvent, MirrorEffect>;
export type PeerHandler = Handler<PeerState, PeerCommand, PeerEvent, never>;
export type UserHandler = Handler<UserState, UserCommand, UserEvent, never>;

/** The event store of control with its three aggregates. */
export interface ControlStore {
  readonly catalog: Kysely<CatalogTables>;
  readonly events: EventStore<ControlEvent, CatalogTables>;
  readonly mirrors: MirrorHandler;
  readonly peers: PeerHandler;
  readonly users: UserHandler;
}

/** Time and identity, from the composition root. */
export interface Clock {
  readonly now: () => Date;
  /** A UUID: ids of events and commands. */
  readonly newId: () => string;
}

/** Puts deciders, sagas and projections on a catalog. */
export function buildControlStore(catalog: Kysely<CatalogTables>, clock: Clock): ControlStore {
  const events = new EventStore<ControlEvent, CatalogTables>({
    catalog,
    codec: { decode: decodeControlEvent },
    // Logs go first: the projection of the mirrors removes a dropped mirror's log, its last line included.
    projections: [logProjection, mirrorProjection, peerProjection, userProjection],
    onAppended: () => faultPoint('control.after_append'),
    traceParent: activeTraceParent,
  });
  const parts = { store: events, ...clock };
  return {
    catalog,
    events,
    mirrors: new CommandHandler({
      ...parts,
      aggregate: {
        initialState: ABSENT_MIRROR,
        decide: decideMirror,
        evolve: evolveMirror,
        react: (before: MirrorState, changes: readonly MirrorEvent[], after: MirrorState) =>
          reactMirror(before, changes, after, { now: clock.now(), newId: clock.newId }),
        owns: isMirrorEvent,
        toMessage: messageOf,
      },
    }),
    peers: new CommandHandler({
      ...parts,
      aggregate: {
        initialState: ABSENT_PEER,
        decide: decidePeer,
        evolve: evolvePeer,
        react: noReaction,
        owns: isPeerEvent,
        toMessage: noMessage,
      },
    }),
    users: new CommandHandler({
      ...parts,
      aggregate: {
        initialState: ABSENT_USER,
        decide: decideUser,
        evolve: evolveUser,
        react: noReaction,
        owns: isUserEvent,
        toMessage: noMessage,
      },
    }),
  };
}

const noReaction = () => ({ events: [], effects: [] });

function noMessage(effect: never): never {
  return effect;
}
