import { ChangeTablesQuery, ChangeTablesRequest, ResyncRequest } from '@bunnydb/contracts';
import { formatQualifiedName } from '@bunnydb/pg-model';
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Put, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { mirrorStatus } from '../../core/mirror/mirror-status.js';
import { normalizeMirrorBody } from '../../core/request/normalize-mirror-body.js';
import { MirrorDesk } from '../mirror-desk.js';
import { MirrorViews } from '../mirror-views.js';
import { PeerDesk } from '../peer-desk.js';
import { TablesDesk } from '../tables-desk.js';
import type { Caller } from './access.js';
import { CurrentCaller } from './access-guard.js';
import { NamePipe } from './name-pipe.js';
import { Answers, Takes, TakesQuery } from './open-api-parts.js';
import { RequestPipe } from './request-pipe.js';

@ApiTags('mirrors')
@Controller('v1/mirrors')
export class TablesController {
  readonly #desk: MirrorDesk;
  readonly #tables: TablesDesk;
  readonly #peers: PeerDesk;
  readonly #views: MirrorViews;

  constructor(
    @Inject(MirrorDesk) desk: MirrorDesk,
    @Inject(TablesDesk) tables: TablesDesk,
    @Inject(PeerDesk) peers: PeerDesk,
    @Inject(MirrorViews) views: MirrorViews,
  ) {
    this.#desk = desk;
    this.#tables = tables;
    this.#peers = peers;
    this.#views = views;
  }

  @Get(':name/tables')
  @ApiOperation({ summary: "The mirror's tables and config" })
  @Answers(200, 'MirrorTables', [401, 404])
  async list(@Param('name', NamePipe) name: string) {
    const row = await this.#desk.find(name);
    return { config: row.config, tables: await this.#views.tables(row) };
  }

  @Put(':name/tables')
  @ApiOperation({
    summary: 'Give the mirror other tables, online: new ones are copied and join, others leave',
  })
  @Takes(ChangeTablesRequest)
  @TakesQuery(ChangeTablesQuery)
  @Answers(200, 'TablesChange', [400, 401, 403, 404, 409, 422, 503])
  async change(
    @Param('name', NamePipe) name: string,
    @Body(new RequestPipe(ChangeTablesRequest, normalizeMirrorBody)) request: ChangeTablesRequest,
    @Query(new RequestPipe(ChangeTablesQuery)) query: ChangeTablesQuery,
    @CurrentCaller() caller: Caller,
  ) {
    const row = await this.#desk.find(name);
    const { state, added, removed } = await this.#tables.change(
      row,
      request,
      query.drop_removed ?? false,
      { actor: caller.username },
    );
    const message =
      added.length + removed.length === 0
        ? 'the mirror has these tables'
        : 'the tables change while the mirror runs';
    return { name, status: mirrorStatus(state), message, added, removed };
  }

  @Get(':name/available-tables')
  @ApiOperation({ summary: 'Tables of the source that the mirror does not have' })
  @Answers(200, ['PeerTable'], [401, 404, 503])
  async available(@Param('name', NamePipe) name: string) {
    const row = await this.#desk.find(name);
    const mirrored = new Set((await this.#views.tables(row)).map((table) => table.table_name));
    const tables = await this.#peers.tables(row.source_peer);
    return tables.filter(
      ({ schema, table_name: table }) => !mirrored.has(formatQualifiedName({ schema, table })),
    );
  }

  @Post(':name/resync')
  @HttpCode(200)
  @ApiOperation({ summary: 'Copy every table again; the slot stays, and nothing is lost' })
  @Takes(ResyncRequest)
  @Answers(200, 'Wish', [400, 401, 403, 404, 409, 422, 503])
  resync(
    @Param('name', NamePipe) name: string,
    @Body(new RequestPipe(ResyncRequest)) request: ResyncRequest,
    @CurrentCaller() caller: Caller,
  ) {
    return this.#resync(name, undefined, request, caller);
  }

  @Post(':name/resync/:table')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Copy one table again, by its source or destination name; the others stream on',
  })
  @Takes(ResyncRequest)
  @Answers(200, 'Wish', [400, 401, 403, 404, 409, 422, 503])
  resyncTable(
    @Param('name', NamePipe) name: string,
    @Param('table') table: string,
    @Body(new RequestPipe(ResyncRequest)) request: ResyncRequest,
    @CurrentCaller() caller: Caller,
  ) {
    return this.#resync(name, table, request, caller);
  }

  @Post(':name/hold/:table')
  @HttpCode(200)
  @ApiOperation({
    summary:
      'Hold one table: its changes are kept at the destination until a retry of it, and all others go on',
  })
  @Answers(200, 'Wish', [401, 403, 404, 409])
  async hold(
    @Param('name', NamePipe) name: string,
    @Param('table') table: string,
    @CurrentCaller() caller: Caller,
  ) {
    const row = await this.#desk.find(name);
    const wish = { type: 'hold_table', table } as const;
    const state = await this.#desk.wish(row, wish, { actor: caller.username });
    return { name, status: mirrorStatus(state), message: `${table} is held; its changes are kept` };
  }

  async #resync(
    name: string,
    table: string | undefined,
    { strategy }: ResyncRequest,
    caller: Caller,
  ) {
    const row = await this.#desk.find(name);
    const wish = { ...(table === undefined ? {} : { table }), ...(strategy ? { strategy } : {}) };
    const state = await this.#desk.resync(row, wish, { actor: caller.username });
    const what = table === undefined ? 'every table is' : `${table} is`;
    return { name, status: mirrorStatus(state), message: `${what} copied again` };
  }
}
