import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { ListEventsQuery, ListLogsQuery, MetricsQuery } from '@bunnydb/contracts';
import { START_OF_EVENTS, parseEventPosition } from '@bunnydb/event-store';
import { mirrorStream } from '../../core/control-event.js';
import { spanMsOf } from '../../core/request/span-ms-of.js';
import { eventObject } from '../../core/view/event-object.js';
import { lagBytesOf, rowsSyncedOf } from '../../core/view/mirror-metrics.js';
import type { ControlStore } from '../catalog/control-store.js';
import { readLogs } from '../catalog/read-logs.js';
import type { MirrorRow } from '../catalog/read-mirrors.js';
import { MirrorDesk } from '../mirror-desk.js';
import { StatsBoard } from '../process/stats-board.js';
import { CONTROL_STORE } from '../provider-tokens.js';
import { MirrorEventStreams } from './mirror-event-streams.js';
import { NamePipe } from './name-pipe.js';
import { Answers, TakesQuery } from './open-api-parts.js';
import { RequestPipe } from './request-pipe.js';

const PAGE_DEFAULT = 50;

@ApiTags('mirrors')
@Controller('v1/mirrors/:name')
export class MirrorHistoryController {
  readonly #store: ControlStore;
  readonly #desk: MirrorDesk;
  readonly #stats: StatsBoard;
  readonly #streams: MirrorEventStreams;

  constructor(
    @Inject(CONTROL_STORE) store: ControlStore,
    @Inject(MirrorDesk) desk: MirrorDesk,
    @Inject(StatsBoard) stats: StatsBoard,
    @Inject(MirrorEventStreams) streams: MirrorEventStreams,
  ) {
    this.#store = store;
    this.#desk = desk;
    this.#stats = stats;
    this.#streams = streams;
  }

  @Get('logs')
  @ApiOperation({ summary: "The mirror's log, newest first" })
  @TakesQuery(ListLogsQuery)
  @Answers(200, 'LogPage', [400, 401, 404])
  async logs(
    @Param('name', NamePipe) name: string,
    @Query(new RequestPipe(ListLogsQuery)) query: ListLogsQuery,
  ) {
    const row = await this.#desk.find(name);
    const { logs, total } = await readLogs(this.#store.catalog, {
      mirrorId: row.mirror_id,
      search: query.search,
      level: query.level,
      category: query.category,
      limit: query.limit ?? PAGE_DEFAULT,
      offset: query.offset ?? 0,
    });
    return {
      logs: logs.map(({ position, mirror_id: _, created_at: createdAt, ...line }) => ({
        id: Number(position),
        ...line,
        created_at: createdAt.toISOString(),
      })),
      total,
    };
  }

  @Get('events')
  @ApiOperation({ summary: "The mirror's history, newest first" })
  @TakesQuery(ListEventsQuery)
  @Answers(200, 'EventPage', [400, 401, 404])
  async events(
    @Param('name', NamePipe) name: string,
    @Query(new RequestPipe(ListEventsQuery)) query: ListEventsQuery,
  ) {
    const row = await this.#desk.find(name);
    const events = await this.#store.events.loadPage(mirrorStream(row.mirror_id), {
      after: query.after === undefined ? START_OF_EVENTS : parseEventPosition(BigInt(query.after)),
      before: query.before === undefined ? undefined : parseEventPosition(BigInt(query.before)),
      limit: query.limit ?? PAGE_DEFAULT,
      order: 'newest_first',
    });
    return { events: events.map(eventObject) };
  }

  @Get('events/stream')
  @ApiOperation({
    summary: 'History and what follows, live, as server-sent events, with progress and lag',
  })
  @ApiProduces('text/event-stream')
  @Answers(200, 'EventStream', [401, 404, 503])
  async stream(
    @Param('name', NamePipe) name: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    await this.#streams.serve(await this.#desk.find(name), request, response);
  }

  @Get('metrics')
  @ApiOperation({ summary: 'Lag, rates and retained WAL, now and over a window' })
  @TakesQuery(MetricsQuery)
  @Answers(200, 'Metrics', [400, 401, 404])
  async metrics(
    @Param('name', NamePipe) name: string,
    @Query(new RequestPipe(MetricsQuery)) query: MetricsQuery,
  ) {
    const row = await this.#desk.find(name);
    const series =
      query.window === undefined
        ? {}
        : { series: this.#stats.seriesOf(row.mirror_id, spanMsOf(query.window)) };
    return { ...this.#metricsNow(row), ...series };
  }

  #metricsNow(row: MirrorRow) {
    const stats = this.#stats.statsOf(row.mirror_id);
    const rates = this.#stats.ratesOf(row.mirror_id);
    const { capture, apply } = stats;
    const synced = (apply?.tables ?? []).map((table) => table.last_synced_at ?? '').toSorted();
    return {
      lag_bytes: lagBytesOf(stats),
      lag_seconds: apply?.lag_seconds ?? null,
      total_rows_synced: rowsSyncedOf(apply),
      last_sync_time: synced.at(-1) || null,
      rows_per_second: rates.rowsPerSecond,
      transactions_per_second: rates.transactionsPerSecond,
      transactions: apply?.transactions ?? 0,
      changes: apply?.changes ?? 0,
      batches: apply?.batches ?? 0,
      exact_path_batches: apply?.exact_path_batches ?? 0,
      missing_rows: apply?.missing_rows ?? 0,
      retained_wal_bytes: capture?.retained_wal_bytes ?? null,
      wal_room_bytes: capture?.wal_room_bytes ?? null,
      stream_bytes: capture?.stream_bytes ?? null,
      stream_messages: capture?.stream_messages ?? null,
      source_lsn: capture?.source_lsn ?? null,
      published_lsn: capture?.published_lsn ?? null,
      confirmed_lsn: capture?.confirmed_lsn ?? null,
      applied_lsn: apply?.applied_lsn ?? null,
      flushed_lsn: apply?.flushed_lsn ?? null,
    };
  }
}
