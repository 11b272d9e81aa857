import { type Kysely, sql } from 'kysely';
import type { CatalogTables } from './catalog-tables.js';

/** An event that a person caused, with the name that its mirror, peer or user was made under. */
export interface AuditRow {
  readonly position: bigint;
  readonly type: string;
  readonly body: unknown;
  readonly actor: string;
  readonly recorded_at: Date;
  readonly stream_id: string;
  readonly subject: string | null;
}

export interface AuditFilter {
  readonly actor?: string;
  /** Only what was done before this position. */
  readonly before?: number;
  readonly limit: number;
}

/**
 * What people did, newest first; what workers and control itself tell has actors of another form (`control`, `apply/one`). The step that a wish
 * begins with is recorded with it, and says nothing more.
 */
export async function readAudit(
  catalog: Kysely<CatalogTables>,
  { actor, before, limit }: AuditFilter,
): Promise<readonly AuditRow[]> {
  const found = await sql<AuditRow>`
    select e.position, e.type, e.body, e.metadata ->> 'actor' as actor, e.recorded_at, e.stream_id,
      coalesce(made.body ->> 'username', made.body ->> 'name', made.body -> 'connection' ->> 'name')
        as subject
    from events e
    left join events made on made.stream_id = e.stream_id and made.stream_version = 1
    where e.metadata ->> 'actor' <> 'control' and strpos(e.metadata ->> 'actor', '/') = 0
      and e.type <> 'step_started'
      and (${actor ?? null}::text is null or e.metadata ->> 'actor' = ${actor ?? null}::text)
      and (${before ?? null}::bigint is null or e.position < ${before ?? null}::bigint)
    order by e.position desc
    limit ${limit}`.execute(catalog);
  return found.rows;
}
