import { CreateUserRequest, UpdateUserRequest } from '@bunnydb/contracts';
import { Body, Controller, Delete, Get, Inject, Param, Patch, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { UserDesk } from '../user-desk.js';
import { AdminOnly, type Caller } from './access.js';
import { CurrentCaller } from './access-guard.js';
import { UsernamePipe } from './name-pipe.js';
import { Answers, Takes } from './open-api-parts.js';
import { RequestPipe } from './request-pipe.js';

@ApiTags('users')
@AdminOnly()
@Controller('v1/users')
export class UsersController {
  readonly #desk: UserDesk;

  constructor(@Inject(UserDesk) desk: UserDesk) {
    this.#desk = desk;
  }

  @Get()
  @ApiOperation({ summary: 'Everybody who may sign in' })
  @Answers(200, ['User'], [401, 403])
  list() {
    return this.#desk.list();
  }

  @Post()
  @ApiOperation({ summary: 'Let somebody in' })
  @Takes(CreateUserRequest)
  @Answers(201, 'User', [400, 401, 403, 409])
  create(
    @Body(new RequestPipe(CreateUserRequest)) request: CreateUserRequest,
    @CurrentCaller() caller: Caller,
  ) {
    return this.#desk.create(request, caller);
  }

  @Patch(':username')
  @ApiOperation({ summary: 'Change a role or a password; a new password ends the tokens' })
  @Takes(UpdateUserRequest)
  @Answers(200, 'User', [400, 401, 403, 404])
  change(
    @Param('username', UsernamePipe) username: string,
    @Body(new RequestPipe(UpdateUserRequest)) request: UpdateUserRequest,
    @CurrentCaller() caller: Caller,
  ) {
    return this.#desk.change(username, request, caller);
  }

  @Delete(':username')
  @ApiOperation({
    summary: 'Let somebody in no more; not yourself, and not the last administrator',
  })
  @Answers(200, 'Deleted', [400, 401, 403, 404])
  delete(@Param('username', UsernamePipe) username: string, @CurrentCaller() caller: Caller) {
    return this.#desk.delete(username, caller);
  }
}
