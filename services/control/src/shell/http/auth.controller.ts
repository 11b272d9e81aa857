import { Body, Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Kysely } from 'kysely';
import { ChangePasswordRequest, LoginRequest } from '@bunnydb/contracts';
import { userStream } from '../../core/control-event.js';
import type { CatalogTables } from '../catalog/catalog-tables.js';
import type { ControlStore } from '../catalog/control-store.js';
import { readUser, revokeToken } from '../catalog/read-users.js';
import { CONTROL_STORE } from '../provider-tokens.js';
import { type Caller, Public, SignedIn } from './access.js';
import { CurrentCaller } from './access-guard.js';
import { Answers, Takes } from './open-api-parts.js';
import { checkPassword, hashPassword, requireGoodPassword } from './passwords.js';
import { Problem, invalidRequest, refusalProblem } from './problem.js';
import { RequestPipe } from './request-pipe.js';
import { Tokens } from './tokens.js';

@ApiTags('auth')
@Controller('v1/auth')
export class AuthController {
  readonly #store: ControlStore;
  readonly #tokens: Tokens;

  constructor(@Inject(CONTROL_STORE) store: ControlStore, @Inject(Tokens) tokens: Tokens) {
    this.#store = store;
    this.#tokens = tokens;
  }

  @Post('login')
  @Public()
  @HttpCode(200)
  @ApiOperation({ summary: 'Sign in', security: [] })
  @Takes(LoginRequest)
  @Answers(200, 'Session', [400, 401, 429])
  async login(@Body(new RequestPipe(LoginRequest)) { username, password }: LoginRequest) {
    const user = await readUser(this.#catalog, username);
    const matches = await checkPassword(user?.password_hash, password);
    if (!user || !matches) throw new Problem(401, 'the user name or the password is wrong');
    const { token, expiresAt } = await this.#tokens.issue(
      username,
      user.user_id,
      user.token_generation,
    );
    return { token, expires_at: expiresAt.toISOString(), username, role: user.role };
  }

  @Get('me')
  @ApiOperation({ summary: 'Who is signed in' })
  @Answers(200, 'Me', [401])
  me(@CurrentCaller() { username, role, tokenExpiresAt }: Caller) {
    return { username, role, expires_at: tokenExpiresAt.toISOString() };
  }

  @Post('change-password')
  @SignedIn()
  @HttpCode(200)
  @ApiOperation({ summary: "Change one's own password; ends one's other tokens" })
  @Takes(ChangePasswordRequest)
  @Answers(200, 'Message', [400, 401, 429])
  async changePassword(
    @CurrentCaller() caller: Caller,
    @Body(new RequestPipe(ChangePasswordRequest)) request: ChangePasswordRequest,
  ) {
    const user = await readUser(this.#catalog, caller.username);
    if (!(await checkPassword(user?.password_hash, request.current_password))) {
      throw invalidRequest([{ path: 'current_password', message: 'is wrong' }]);
    }
    requireGoodPassword(request.new_password, caller.username, 'new_password');
    const passwordHash = await hashPassword(request.new_password);
    const result = await this.#store.users.handle(
      userStream(caller.userId),
      { type: 'change', passwordHash, keptTokenId: caller.tokenId },
      { metadata: { actor: caller.username } },
    );
    if (result.tag === 'refused') throw refusalProblem(result.refusal);
    return { message: 'the password is changed; your other tokens have ended' };
  }

  @Post('logout')
  @SignedIn()
  @HttpCode(200)
  @ApiOperation({ summary: 'End this token' })
  @Answers(200, 'Message', [401])
  async logout(@CurrentCaller() caller: Caller) {
    await revokeToken(this.#catalog, caller.tokenId, caller.tokenExpiresAt);
    return { message: 'signed out' };
  }

  get #catalog(): Kysely<CatalogTables> {
    return this.#store.catalog;
  }
}
