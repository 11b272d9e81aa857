import { FollowChangesQuery } from '@bunnydb/contracts';
import { parseQualifiedName } from '@bunnydb/pg-model';
import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { MirrorDesk } from '../mirror-desk.js';
import { MirrorViews } from '../mirror-views.js';
import { AdminOnly } from './access.js';
import { NamePipe } from './name-pipe.js';
import { Answers, TakesQuery } from './open-api-parts.js';
import { Problem } from './problem.js';
import { RequestPipe } from './request-pipe.js';
import { TableChangeStreams } from './table-change-streams.js';

@ApiTags('mirrors')
@Controller('v1/mirrors/:name/changes')
export class ChangesController {
  readonly #desk: MirrorDesk;
  readonly #views: MirrorViews;
  readonly #streams: TableChangeStreams;

  constructor(
    @Inject(MirrorDesk) desk: MirrorDesk,
    @Inject(MirrorViews) views: MirrorViews,
    @Inject(TableChangeStreams) streams: TableChangeStreams,
  ) {
    this.#desk = desk;
    this.#views = views;
    this.#streams = streams;
  }

  /** It shows rows, which no other route does. */
  @Get('stream')
  @AdminOnly()
  @ApiOperation({
    summary: 'The changes of one table as they come, as server-sent events; for administrators',
  })
  @ApiProduces('text/event-stream')
  @TakesQuery(FollowChangesQuery)
  @Answers(200, 'ChangeStream', [400, 401, 403, 404, 503])
  async stream(
    @Param('name', NamePipe) name: string,
    @Query(new RequestPipe(FollowChangesQuery)) query: FollowChangesQuery,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const row = await this.#desk.find(name);
    const tables = await this.#views.tables(row);
    if (!tables.some((table) => table.table_name === query.table)) {
      throw new Problem(404, `the mirror ${name} has no table ${query.table}`);
    }
    const wish = { table: parseQualifiedName(query.table), withLatest: query.latest ?? false };
    await this.#streams.serve(row, wish, request, response);
  }
}
