import { SyncSchemaRequest } from '@bunnydb/contracts';
import { Body, Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { MirrorDesk } from '../mirror-desk.js';
import { StructureDesk } from '../structure-desk.js';
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
  @ApiOperation({ summary: 'Make pending changes of structure, one by one' })
  @Takes(SyncSchemaRequest)
  @Answers(200, 'SchemaSync', [400, 401, 403, 404, 409, 503])
  async sync(
    @Param('name', NamePipe) name: string,
    @Body(new RequestPipe(SyncSchemaRequest)) request: SyncSchemaRequest,
  ) {
    return this.#structure.sync(await this.#desk.find(name), request);
  }
}
