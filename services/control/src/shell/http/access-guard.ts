import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { createParamDecorator } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import type { Kysely } from 'kysely';
import type { CatalogTables } from '../catalog/catalog-tables.js';
import { isRevoked, readUser } from '../catalog/read-users.js';
import { ACCESS, type Access, type Caller } from './access.js';
import { Problem } from './problem.js';
import type { Tokens } from './tokens.js';

const callers = new WeakMap<Request, Caller>();
const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Lets in who may: every route needs a token unless it says otherwise, and every write an administrator. */
export class AccessGuard implements CanActivate {
  readonly #tokens: Tokens;
  readonly #catalog: Kysely<CatalogTables>;
  readonly #reflector = new Reflector();

  constructor(tokens: Tokens, catalog: Kysely<CatalogTables>) {
    this.#tokens = tokens;
    this.#catalog = catalog;
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true;
    const access = this.#reflector.getAllAndOverride<Access | undefined>(ACCESS, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (access === 'public') return true;
    const request = context.switchToHttp().getRequest<Request>();
    const caller = await this.#callerOf(request.header('authorization'));
    if (!caller) throw new Problem(401, 'sign in first: the bearer token is missing or not valid');
    callers.set(request, caller);
    if (access === 'signed_in' || caller.role === 'admin') return true;
    if (access === 'admin') throw new Problem(403, 'only an administrator may do this');
    if (READING.has(request.method)) return true;
    throw new Problem(403, `the role ${caller.role} may read but not change anything`);
  }

  async #callerOf(authorization: string | undefined): Promise<Caller | undefined> {
    const token = /^Bearer ([\w.-]{1,4096})$/i.exec(authorization ?? '')?.[1];
    const claims = token === undefined ? undefined : await this.#tokens.read(token);
    if (!claims) return undefined;
    const user = await readUser(this.#catalog, claims.username);
    if (user?.user_id !== claims.userId) return undefined;
    const current =
      claims.generation === user.token_generation || claims.tokenId === user.kept_token_id;
    if (!current || (await isRevoked(this.#catalog, claims.tokenId))) return undefined;
    return {
      userId: user.user_id,
      username: user.username,
      role: user.role,
      tokenId: claims.tokenId,
      tokenExpiresAt: claims.expiresAt,
    };
  }
}

/** The caller of a request that the guard let in. */
export function callerOf(request: Request): Caller {
  const caller = callers.get(request);
  if (!caller) throw new Problem(401, 'sign in first: the bearer token is missing or not valid');
  return caller;
}

/** Hands the caller to a handler. */
export const CurrentCaller = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  callerOf(context.switchToHttp().getRequest<Request>()),
);
