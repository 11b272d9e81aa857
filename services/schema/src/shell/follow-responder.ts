import { Query, type SchemaFollowReply } from '@bunnydb/contracts';
import { HandleQuery } from '@bunnydb/service-shell';
import { Controller, Inject } from '@nestjs/common';
import { parseFollowRequest } from '../core/parse-follow-request.js';
import type { FollowSessions } from './follow-sessions.js';
import { followTables } from './follow-tables.js';

export const FOLLOW_SESSIONS = Symbol('FOLLOW_SESSIONS');

/** What appliers ask of this service while their stream waits. */
@Controller()
export class FollowResponder {
  readonly #sessions: FollowSessions;

  constructor(@Inject(FOLLOW_SESSIONS) sessions: FollowSessions) {
    this.#sessions = sessions;
  }

  @HandleQuery(Query.SchemaFollow)
  async handleFollow(request: unknown): Promise<SchemaFollowReply> {
    return await followTables(this.#sessions, parseFollowRequest(request));
  }
}
