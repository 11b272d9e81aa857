import { ListAuditQuery } from '@bunnydb/contracts';
import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { decodeControlEvent } from '../../core/control-event.js';
import { auditEntry } from '../../core/view/audit-entry.js';
import type { ControlStore } from '../catalog/control-store.js';
import { readAudit } from '../catalog/read-audit.js';
import { CONTROL_STORE } from '../provider-tokens.js';
import { AdminOnly } from './access.js';
import { Answers, TakesQuery } from './open-api-parts.js';
import { RequestPipe } from './request-pipe.js';

const PAGE_DEFAULT = 50;

/** Who did what: every write through the gateway is an event with its actor, and stays when its mirror, peer or user is gone. */
@ApiTags('users')
@AdminOnly()
@Controller('v1/audit')
export class AuditController {
  readonly #store: ControlStore;

  constructor(@Inject(CONTROL_STORE) store: ControlStore) {
    this.#store = store;
  }

  @Get()
  @ApiOperation({ summary: 'What people did to mirrors, peers and users, newest first' })
  @TakesQuery(ListAuditQuery)
  @Answers(200, 'AuditPage', [400, 401, 403])
  async list(@Query(new RequestPipe(ListAuditQuery)) query: ListAuditQuery) {
    const { actor, before, limit = PAGE_DEFAULT } = query;
    const rows = await readAudit(this.#store.catalog, {
      limit,
      ...(actor === undefined ? {} : { actor }),
      ...(before === undefined ? {} : { before }),
    });
    return {
      entries: rows.map((row) =>
        auditEntry({
          position: row.position,
          event: decodeControlEvent(row.type, row.body),
          actor: row.actor,
          recordedAt: row.recorded_at,
          streamId: row.stream_id,
          subject: row.subject,
        }),
      ),
    };
  }
}
