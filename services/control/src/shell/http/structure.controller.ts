import { SyncSchemaRequest } from '@bunnydb/contracts';
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { MirrorDesk } from '../mirror-desk.js';
import { StructureDesk } from '../structure-desk.js';
import type { Caller } from './access.js';
import { CurrentCaller } from './access-guard.js';
import { NamePipe } from './name-pipe.js';
import { Answers, Takes } from './open-api-parts.js';
import { RequestPipe } from './request-pipe.js';

@ApiTags('mirrors')
@Controller('v1/mirrors')
export class StructureController {
  readonly #desk: MirrorDesk;
  readonly #structure: StructureDesk;

  constructor(
    @Inject(MirrorDesk) desk: MirrorDesk,
    @Inject(StructureDesk) structure: StructureDesk,
  ) {
    this.#desk = desk;
    this.#structure = structure;
  }

  @Get(':name/schema-diff')
  @ApiOperation({ summary: "What the destination's structure lacks of the source's" })
  @Answers(200, 'SchemaDiff', [401, 404, 409, 503])
  async diff(@Param('name', NamePipe) name: string) {
    return this.#structure.diff(await this.#desk.find(name));
  }

  @Post(':name/sync-schema')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Make pending changes of structure, one by one; answers when that is done',
  })
  @Takes(SyncSchemaRequest)
  @Answers(200, 'SchemaSync', [400, 401, 403, 404, 409, 503])
  async sync(
    @Param('name', NamePipe) name: string,
    @Body(new RequestPipe(SyncSchemaRequest)) request: SyncSchemaRequest,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) response: Response,
  ) {
    const row = await this.#desk.find(name);
    if (request.dry_run) return this.#structure.dryRun(row, request);
    const left = new AbortController();
    response.on('close', () => left.abort());
    return this.#structure.sync(row, request, { actor: caller.username }, left.signal);
  }
}
