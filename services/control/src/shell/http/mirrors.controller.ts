import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Patch,
  Post,
  Query,
  Res,
} from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import {
  CreateMirrorQuery,
  CreateMirrorRequest,
  DeleteMirrorQuery,
  RetryMirrorRequest,
  UpdateMirrorRequest,
} from '@bunnydb/contracts';
import { formatLsn, parseLsn } from '@bunnydb/pg-model';
import type { MirrorCommand } from '../../core/mirror/mirror-command.js';
import { fixedOptionsIn } from '../../core/mirror/mirror-config.js';
import { mirrorStatus } from '../../core/mirror/mirror-status.js';
import { givenOptions, givenWorkerOptions } from '../../core/request/config-of.js';
import { normalizeMirrorBody } from '../../core/request/normalize-mirror-body.js';
import { MirrorDesk } from '../mirror-desk.js';
import { MirrorViews } from '../mirror-views.js';
import { waitUntilDropped } from '../wait-until-dropped.js';
import type { Caller } from './access.js';
import { CurrentCaller } from './access-guard.js';
import { NamePipe } from './name-pipe.js';
import { Answers, Takes, TakesQuery } from './open-api-parts.js';
import { Problem, invalidRequest } from './problem.js';
import { RequestPipe } from './request-pipe.js';

@ApiTags('mirrors')
@Controller('v1/mirrors')
export class MirrorsController {
  readonly #desk: MirrorDesk;
  readonly #views: MirrorViews;

  constructor(@Inject(MirrorDesk) desk: MirrorDesk, @Inject(MirrorViews) views: MirrorViews) {
    this.#desk = desk;
    this.#views = views;
  }

  @Get()
  @ApiOperation({ summary: 'Every mirror, without its tables' })
  @Answers(200, ['Mirror'], [401])
  list() {
    return this.#views.list();
  }

  @Post()
  @ApiOperation({ summary: 'Create a mirror whose pre-flight passes' })
  @Takes(CreateMirrorRequest)
  @TakesQuery(CreateMirrorQuery)
  @Answers(201, 'MirrorWithTables', [400, 401, 403, 409, 422, 503])
  @Answers(200, 'Preflight', [])
  async create(
    @Body(new RequestPipe(CreateMirrorRequest, normalizeMirrorBody)) request: CreateMirrorRequest,
    @Query(new RequestPipe(CreateMirrorQuery)) query: CreateMirrorQuery,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) response: Response,
  ) {
    if (query.validate_only) {
      response.status(200);
      return this.validate(request);
    }
    const row = await this.#desk.create(request, { actor: caller.username });
    response.setHeader('Location', `/v1/mirrors/${row.name}`);
    return this.#views.full(row);
  }

  @Post('validate')
  @HttpCode(200)
  @ApiOperation({
    summary: 'The pre-flight of the same body, with everything that has to be mended',
  })
  @Takes(CreateMirrorRequest)
  @Answers(200, 'Preflight', [400, 401, 403, 503])
  async validate(
    @Body(new RequestPipe(CreateMirrorRequest, normalizeMirrorBody)) request: CreateMirrorRequest,
  ) {
    const { ok, checks, tables } = await this.#desk.preflight(request);
    return { ok, checks, tables };
  }

  @Get(':name')
  @ApiOperation({ summary: 'One mirror with its tables' })
  @Answers(200, 'MirrorWithTables', [401, 404])
  async show(@Param('name', NamePipe) name: string) {
    return this.#views.full(await this.#desk.find(name));
  }

  @Patch(':name')
  @ApiOperation({ summary: 'Change options that may change while the mirror lives' })
  @Takes(UpdateMirrorRequest)
  @Answers(200, 'MirrorWithTables', [400, 401, 403, 404, 409])
  async change(
    @Param('name', NamePipe) name: string,
    @Body(new RequestPipe(UpdateMirrorRequest, normalizeMirrorBody)) request: UpdateMirrorRequest,
    @CurrentCaller() caller: Caller,
  ) {
    const row = await this.#desk.find(name);
    const given = Object.keys(givenOptions(request));
    const fixed = fixedOptionsIn(request.replicate_schema ? [...given, 'replicate_schema'] : given);
    if (fixed.length > 0) {
      const detail = `${fixed.join(', ')} cannot change while the mirror lives; create it anew with other options`;
      throw new Problem(409, detail);
    }
    if (given.length === 0) return this.#views.full(row);
    const options = givenWorkerOptions(request);
    return this.#views.full(
      await this.#desk.changeOptions(row, options, { actor: caller.username }),
    );
  }

  @Delete(':name')
  @ApiOperation({
    summary: 'Drop a mirror: slot, publication, stream and bookkeeping; goes on in the background',
  })
  @TakesQuery(DeleteMirrorQuery)
  @Answers(200, 'Deleted', [400, 401, 403, 404])
  async delete(
    @Param('name', NamePipe) name: string,
    @Query(new RequestPipe(DeleteMirrorQuery)) query: DeleteMirrorQuery,
    @CurrentCaller() caller: Caller,
  ) {
    const row = await this.#desk.find(name);
    const force = query.force ?? false;
    const state = await this.#desk.wish(
      row,
      { type: 'delete', dropTables: query.drop_tables ?? false, force },
      { actor: caller.username },
    );
    if (!force) return { deleted: name };
    // Whoever forces wants to know what stays behind, so the answer waits for the end, within reason.
    const last = await waitUntilDropped(() => this.#desk.stateOf(row), state);
    return { deleted: name, left: 'left' in last ? last.left : [], status: mirrorStatus(last) };
  }

  @Post(':name/pause')
  @HttpCode(200)
  @ApiOperation({ summary: 'Pause, in whatever phase the mirror is' })
  @Answers(200, 'Wish', [401, 403, 404, 409])
  pause(@Param('name', NamePipe) name: string, @CurrentCaller() caller: Caller) {
    return this.#wish(name, { type: 'pause' }, 'paused; changes wait at the source', caller);
  }

  @Post(':name/resume')
  @HttpCode(200)
  @ApiOperation({ summary: 'Go on after a pause' })
  @Answers(200, 'Wish', [401, 403, 404, 409])
  resume(@Param('name', NamePipe) name: string, @CurrentCaller() caller: Caller) {
    return this.#wish(name, { type: 'resume' }, 'resumed', caller);
  }

  @Post(':name/retry')
  @HttpCode(200)
  @ApiOperation({ summary: 'End the wait after a failure now, of the mirror or of a table' })
  @Takes(RetryMirrorRequest)
  @Answers(200, 'Wish', [400, 401, 403, 404, 409])
  async retry(
    @Param('name', NamePipe) name: string,
    @Body(new RequestPipe(RetryMirrorRequest)) request: RetryMirrorRequest,
    @CurrentCaller() caller: Caller,
  ) {
    const { table, skip_lsn: skipLsn } = request;
    if (table) {
      const skip = skipLsn ? { skipLsn: formatLsn(parseLsn(skipLsn)) } : {};
      const message = skipLsn ? 'trying again without that transaction' : 'trying again now';
      return this.#wish(name, { type: 'retry_table', table, ...skip }, message, caller);
    }
    if (skipLsn) {
      throw invalidRequest([{ path: 'skip_lsn', message: 'needs the table that leaves it out' }]);
    }
    return this.#wish(name, { type: 'retry' }, 'trying again now', caller);
  }

  async #wish(name: string, command: MirrorCommand, message: string, caller: Caller) {
    const row = await this.#desk.find(name);
    const state = await this.#desk.wish(row, command, { actor: caller.username });
    return { name, status: mirrorStatus(state), message };
  }
}
