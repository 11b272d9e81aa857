import type { CreateUserRequest, UpdateUserRequest } from '@bunnydb/contracts';
import type { EventMetadata } from '@bunnydb/event-store';
import { userStream } from '../core/control-event.js';
import type { Refusal } from '../core/decision.js';
import { type UserCommand, roleOf } from '../core/user/user.js';
import type { ControlStore } from './catalog/control-store.js';
import { type UserRow, hasOtherAdmin, readUser, readUsers } from './catalog/read-users.js';
import type { Caller } from './http/access.js';
import { hashPassword, requireGoodPassword } from './http/passwords.js';
import { Problem, refusalProblem } from './http/problem.js';
import { nameTaken } from './peer-desk.js';

/** A user as administrators see one: nothing of the password. */
export type UserObject = ReturnType<typeof userObject>;

/** What administrators do with users. Every write is an event with who did it. */
export class UserDesk {
  readonly #store: ControlStore;
  readonly #newUserId: () => string;

  constructor(options: { readonly store: ControlStore; readonly newUserId: () => string }) {
    this.#store = options.store;
    this.#newUserId = options.newUserId;
  }

  async list(): Promise<readonly UserObject[]> {
    return (await readUsers(this.#store.catalog)).map(userObject);
  }

  async create(request: CreateUserRequest, caller: Caller): Promise<UserObject> {
    const { username } = request;
    // The audit tells people and the machine apart by their names.
    if (username === 'control') {
      throw new Problem(
        409,
        'control is what BunnyDB calls itself in the history; take another name',
      );
    }
    requireGoodPassword(request.password, username, 'password');
    const id = this.#newUserId();
    const result = await this.#store.users.handle(
      userStream(id),
      {
        type: 'create',
        id,
        username,
        role: roleOf(request.role),
        passwordHash: await hashPassword(request.password),
      },
      {
        metadata: { actor: caller.username },
        check: (tx) => nameTaken(readUser(tx, username), username),
      },
    );
    if (result.tag === 'refused') throw refusalProblem(result.refusal);
    return this.#show(username);
  }

  /** Changes role or password. A changed password ends the user's tokens, but not the one that an administrator changes the own password with. */
  async change(username: string, request: UpdateUserRequest, caller: Caller): Promise<UserObject> {
    const row = await this.#find(username);
    const role = request.role ? roleOf(request.role) : undefined;
    const { password } = request;
    if (password) requireGoodPassword(password, username, 'password');
    await this.#handle(
      row,
      {
        type: 'change',
        ...(role === undefined ? {} : { role }),
        ...(password ? { passwordHash: await hashPassword(password) } : {}),
        keptTokenId: row.user_id === caller.userId ? caller.tokenId : null,
      },
      { actor: caller.username },
      role === 'readonly',
    );
    return this.#show(username);
  }

  async delete(username: string, caller: Caller): Promise<{ readonly deleted: string }> {
    const row = await this.#find(username);
    if (row.user_id === caller.userId) {
      throw new Problem(400, 'you cannot delete yourself; another administrator can');
    }
    await this.#handle(row, { type: 'delete' }, { actor: caller.username }, true);
    return { deleted: username };
  }

  /** @param takesAdmin whether the command takes the role away, so that somebody else has to have it. */
  async #handle(
    row: UserRow,
    command: UserCommand,
    metadata: EventMetadata,
    takesAdmin: boolean,
  ): Promise<void> {
    const result = await this.#store.users.handle(userStream(row.user_id), command, {
      metadata,
      check: async (tx): Promise<Refusal | undefined> => {
        if (!takesAdmin || (await hasOtherAdmin(tx, row.user_id))) return undefined;
        const detail = `${row.username} is the last administrator; make another one first`;
        return { reason: 'invalid', detail };
      },
    });
    if (result.tag === 'refused') throw refusalProblem(result.refusal);
  }

  async #show(username: string): Promise<UserObject> {
    return userObject(await this.#find(username));
  }

  async #find(username: string): Promise<UserRow> {
    const row = await readUser(this.#store.catalog, username);
    if (!row) throw new Problem(404, `there is no user ${username}`);
    return row;
  }
}

function userObject({ username, role, created_at: created, updated_at: updated }: UserRow) {
  return {
    username,
    role,
    created_at: created.toISOString(),
    updated_at: updated.toISOString(),
  };
}
