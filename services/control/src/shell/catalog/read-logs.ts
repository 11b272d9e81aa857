import type { ExpressionBuilder, Kysely, Selectable } from 'kysely';
import type { LogCategory, LogLevel } from '../../core/mirror/log-line.js';
import type { CatalogTables } from './catalog-tables.js';

export interface LogFilter {
  readonly mirrorId: string;
  readonly search?: string;
  readonly level?: LogLevel;
  readonly category?: LogCategory;
  readonly limit: number;
  readonly offset: number;
}

export interface LogPage {
  readonly logs: readonly Selectable<CatalogTables['mirror_logs']>[];
  readonly total: number;
}

/** One page of a mirror's log, newest first, and how many lines match in all. */
export async function readLogs(
  catalog: Kysely<CatalogTables>,
  filter: LogFilter,
): Promise<LogPage> {
  const matches = (column: ExpressionBuilder<CatalogTables, 'mirror_logs'>) =>
    column.and([
      column('mirror_id', '=', filter.mirrorId),
      ...(filter.level === undefined ? [] : [column('level', '=', filter.level)]),
      ...(filter.category === undefined ? [] : [column('category', '=', filter.category)]),
      ...(filter.search === undefined
        ? []
        : [column('message', 'ilike', `%${escapeLike(filter.search)}%`)]),
    ]);
  const logs = await catalog
    .selectFrom('mirror_logs')
    .selectAll()
    .where(matches)
    .orderBy('position', 'desc')
    .limit(filter.limit)
    .offset(filter.offset)
    .execute();
  const counted = await catalog
    .selectFrom('mirror_logs')
    .select((column) => column.fn.countAll<bigint>().as('total'))
    .where(matches)
    .executeTakeFirstOrThrow();
  return { logs, total: Number(counted.total) };
}

function escapeLike(text: string): string {
  return text.replaceAll(/[\\%_]/g, (char) => `\\${char}`);
}
