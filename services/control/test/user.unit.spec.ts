import { describe, expect, it } from 'vitest';
import {
  ABSENT_USER,
  type UserCommand,
  type UserEvent,
  decideUser,
  evolveUser,
  isUserEventType,
  roleOf,
} from '../src/core/user/user.js';

const created: UserEvent = {
  type: 'user_created',
  body: { id: 'u1', username: 'ada', role: 'readonly', password_hash: 'h' },
};
const deleted: UserEvent = { type: 'user_deleted', body: {} };

const when = (history: readonly UserEvent[], command: UserCommand) => {
  const decision = decideUser(history.reduce(evolveUser, ABSENT_USER), command);
  return decision.tag === 'refused' ? decision.refusal.reason : decision.events;
};
const change = (over: Partial<Extract<UserCommand, { type: 'change' }>>): UserCommand => ({
  type: 'change',
  keptTokenId: null,
  ...over,
});

describe('a user', () => {
  it('is made once', () => {
    const command = {
      type: 'create',
      id: 'u1',
      username: 'ada',
      role: 'readonly',
      passwordHash: 'h',
    } as const;
    expect(when([], command)).toEqual([created]);
    expect(when([created], command)).toBe('conflict');
    expect(when([created, deleted], command)).toBe('conflict');
  });

  it('gets another role and another password, and the same role is no change', () => {
    expect(when([created], change({ role: 'admin', passwordHash: 'n', keptTokenId: 't' }))).toEqual(
      [
        { type: 'user_role_changed', body: { role: 'admin' } },
        { type: 'user_password_changed', body: { password_hash: 'n', kept_token_id: 't' } },
      ],
    );
    expect(when([created], change({ role: 'readonly' }))).toEqual([]);
    expect(when([], change({ role: 'admin' }))).toBe('not_found');
  });

  it('is gone once deleted', () => {
    expect(when([created], { type: 'delete' })).toEqual([deleted]);
    for (const command of [{ type: 'delete' } as const, change({ role: 'admin' })]) {
      expect(when([created, deleted], command)).toBe('not_found');
    }
  });

  it('may be called a viewer, who is a reader', () => {
    expect([roleOf('viewer'), roleOf('readonly'), roleOf('admin')]).toEqual([
      'readonly',
      'readonly',
      'admin',
    ]);
    expect([created, deleted].every(({ type }) => isUserEventType(type))).toBe(true);
    expect(isUserEventType('constructor')).toBe(false);
  });
});
