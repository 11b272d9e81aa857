import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { CreatePeerRequest, UpdatePeerRequest } from '@bunnydb/contracts';
import { PeerDesk } from '../peer-desk.js';
import type { Caller } from './access.js';
import { CurrentCaller } from './access-guard.js';
import { NamePipe } from './name-pipe.js';
import { Answers, Takes } from './open-api-parts.js';
import { RequestPipe } from './request-pipe.js';

@ApiTags('peers')
@Controller('v1/peers')
export class PeersController {
  readonly #desk: PeerDesk;

  constructor(@Inject(PeerDesk) desk: PeerDesk) {
    this.#desk = desk;
  }

  @Get()
  @ApiOperation({ summary: 'Every peer' })
  @Answers(200, ['Peer'], [401])
  list() {
    return this.#desk.list();
  }

  @Post()
  @ApiOperation({ summary: 'Make a server known' })
  @Takes(CreatePeerRequest)
  @Answers(201, 'Peer', [400, 401, 403, 409])
  create(
    @Body(new RequestPipe(CreatePeerRequest)) request: CreatePeerRequest,
    @CurrentCaller() caller: Caller,
  ) {
    return this.#desk.create(request, { actor: caller.username });
  }

  @Get(':name')
  @ApiOperation({ summary: 'One peer, never its secrets' })
  @Answers(200, 'Peer', [401, 404])
  show(@Param('name', NamePipe) name: string) {
    return this.#desk.show(name);
  }

  @Put(':name')
  @ApiOperation({
    summary: 'Change a peer: what is omitted stays, the password too; its mirrors connect anew',
  })
  @Takes(UpdatePeerRequest)
  @Answers(200, 'Peer', [400, 401, 403, 404])
  change(
    @Param('name', NamePipe) name: string,
    @Body(new RequestPipe(UpdatePeerRequest)) request: UpdatePeerRequest,
    @CurrentCaller() caller: Caller,
  ) {
    return this.#desk.change(name, request, { actor: caller.username });
  }

  @Delete(':name')
  @ApiOperation({ summary: 'Forget a peer that no mirror uses' })
  @Answers(200, 'Deleted', [401, 403, 404, 409])
  delete(@Param('name', NamePipe) name: string, @CurrentCaller() caller: Caller) {
    return this.#desk.delete(name, { actor: caller.username });
  }

  @Post(':name/test')
  @HttpCode(200)
  @ApiOperation({ summary: 'Try to connect' })
  @Answers(200, 'PeerTest', [401, 403, 404, 503])
  test(@Param('name', NamePipe) name: string) {
    return this.#desk.test(name);
  }

  @Get(':name/tables')
  @ApiOperation({ summary: 'The tables on the server' })
  @Answers(200, ['PeerTable'], [401, 404, 503])
  tables(@Param('name', NamePipe) name: string) {
    return this.#desk.tables(name);
  }
}
