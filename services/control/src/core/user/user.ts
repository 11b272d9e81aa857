import type { RoleWord } from '@bunnydb/contracts';
import { type Decision, accepted, assertNever, refused } from '../decision.js';

export const ROLES = ['admin', 'readonly'] as const;
export type Role = (typeof ROLES)[number];

/** Somebody who may sign in. `password_hash` is argon2id's text, salt and cost included. */
export type UserEvent =
  | {
      readonly type: 'user_created';
      readonly body: {
        readonly id: string;
        readonly username: string;
        readonly role: Role;
        readonly password_hash: string;
      };
    }
  | {
      readonly type: 'user_password_changed';
      /** The token of whoever changed it stays good; all others of that user end. */
      readonly body: { readonly password_hash: string; readonly kept_token_id: string | null };
    }
  | { readonly type: 'user_role_changed'; readonly body: { readonly role: Role } }
  | { readonly type: 'user_deleted'; readonly body: Record<string, never> };

export type UserCommand =
  | {
      readonly type: 'create';
      readonly id: string;
      readonly username: string;
      readonly role: Role;
      readonly passwordHash: string;
    }
  | {
      readonly type: 'change';
      readonly role?: Role;
      readonly passwordHash?: string;
      readonly keptTokenId: string | null;
    }
  | { readonly type: 'delete' };

export type UserState =
  | { readonly tag: 'absent' }
  | { readonly tag: 'present'; readonly role: Role }
  | { readonly tag: 'deleted' };

export const ABSENT_USER: UserState = { tag: 'absent' };

/** Judges a command against a user's state. */
export function decideUser(state: UserState, command: UserCommand): Decision<UserEvent> {
  switch (command.type) {
    case 'create':
      if (state.tag !== 'absent') return refused('conflict', 'the user exists already');
      return accepted({
        type: 'user_created',
        body: {
          id: command.id,
          username: command.username,
          role: command.role,
          password_hash: command.passwordHash,
        },
      });
    case 'change':
      return state.tag === 'present' ? accepted(...changes(state.role, command)) : NOBODY;
    case 'delete':
      return state.tag === 'present' ? accepted({ type: 'user_deleted', body: {} }) : NOBODY;
    default:
      return assertNever(command);
  }
}

/** Folds one event into a user's state. */
export function evolveUser(state: UserState, event: UserEvent): UserState {
  switch (event.type) {
    case 'user_created':
    case 'user_role_changed':
      return { tag: 'present', role: event.body.role };
    case 'user_password_changed':
      return state;
    case 'user_deleted':
      return { tag: 'deleted' };
    default:
      return assertNever(event);
  }
}

/** The role that a word stands for. */
export function roleOf(word: RoleWord): Role {
  return word === 'viewer' ? 'readonly' : word;
}

const USER_EVENT_TYPES: Readonly<Record<UserEvent['type'], true>> = {
  user_created: true,
  user_password_changed: true,
  user_role_changed: true,
  user_deleted: true,
};

/** Whether a tag is one of a user's events. */
export function isUserEventType(type: string): type is UserEvent['type'] {
  return Object.hasOwn(USER_EVENT_TYPES, type);
}

const NOBODY = refused('not_found', 'the user does not exist');

function changes(
  role: Role,
  command: Extract<UserCommand, { type: 'change' }>,
): readonly UserEvent[] {
  const events: UserEvent[] = [];
  if (command.role !== undefined && command.role !== role) {
    events.push({ type: 'user_role_changed', body: { role: command.role } });
  }
  if (command.passwordHash !== undefined) {
    events.push({
      type: 'user_password_changed',
      body: { password_hash: command.passwordHash, kept_token_id: command.keptTokenId },
    });
  }
  return events;
}
