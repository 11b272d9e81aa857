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
    };

export type UserCommand =
  | {
      readonly type: 'create';
      readonly id: string;
      readonly username: string;
      readonly role: Role;
      readonly passwordHash: string;
    }
  | {
      readonly type: 'change_password';
      readonly passwordHash: string;
      readonly keptTokenId: string | null;
    };

export type UserState = { readonly tag: 'absent' } | { readonly tag: 'present' };

export const ABSENT_USER: UserState = { tag: 'absent' };

/** Judges a command against a user's state. */
export function decideUser(state: UserState, command: UserCommand): Decision<UserEvent> {
  switch (command.type) {
    case 'create':
      if (state.tag === 'present') return refused('conflict', 'the user exists already');
      return accepted({
        type: 'user_created',
        body: {
          id: command.id,
          username: command.username,
          role: command.role,
          password_hash: command.passwordHash,
        },
      });
    case 'change_password':
      if (state.tag === 'absent') return refused('not_found', 'the user does not exist');
      return accepted({
        type: 'user_password_changed',
        body: { password_hash: command.passwordHash, kept_token_id: command.keptTokenId },
      });
    default:
      return assertNever(command);
  }
}

/** Folds one event into a user's state. */
export function evolveUser(_state: UserState, event: UserEvent): UserState {
  switch (event.type) {
    case 'user_created':
    case 'user_password_changed':
      return { tag: 'present' };
    default:
      return assertNever(event);
  }
}

/** Whether a tag is one of a user's events. */
export function isUserEventType(type: string): type is UserEvent['type'] {
  return type === 'user_created' || type === 'user_password_changed';
}
