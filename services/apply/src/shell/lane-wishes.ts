import type { ChangeLanes, LaneWish, MirrorSpec, TableMapping } from '@bunnydb/contracts';
import { FailureKind, MirrorError } from '@bunnydb/failure';
import { type ConnectionSettings, connectClient, toMirrorError } from '@bunnydb/pg-client';
import {
  type QualifiedName,
  formatQualifiedName,
  parseLsn,
  parseQualifiedName,
} from '@bunnydb/pg-model';
import type pg from 'pg';
import { askOf, formatNote, parseNote } from '../core/lane-note.js';
import { ensureBookkeeping } from './bookkeeping.js';

/**
 * Notes what a command asks of tables' lanes, all in one transaction, for the mirror's session to take up, now or when it runs again. `retry` and
 * `skip` concern only tables that are held or in error, `skip` also one that just tries again, `hold` only those that are not being copied; a table that was never registered has nothing to be copied *again*. Noting the same
 * command twice changes nothing.
 *
 * @returns source names of the tables that the wish applies to.
 * @throws MirrorError `invalid_input` that names a table which the mirror does not have, or an LSN that is none.
 */
export async function noteWish(
  settings: ConnectionSettings,
  { command_id: commandId, body: { spec, tables, wish } }: ChangeLanes,
): Promise<readonly string[]> {
  const mappings = tables.length === 0 ? spec.tables : tables.map((name) => findTable(spec, name));
  if (wish.action === 'skip') requireLsn(wish.commit_lsn);
  try {
    const client = await connectClient(settings, {
      role: 'destination',
      lockTimeoutMs: LOCK_TIMEOUT_MS,
    });
    try {
      await ensureBookkeeping(client);
      return await noteAll(client, spec, mappings, { commandId, wish });
    } finally {
      await client.end().catch(() => undefined);
    }
  } catch (error) {
    throw toMirrorError(error, { role: 'destination', step: 'note what is asked of the lanes' });
  }
}

interface Asked {
  readonly commandId: string;
  readonly wish: LaneWish;
}

async function noteAll(
  client: pg.Client,
  spec: MirrorSpec,
  mappings: readonly TableMapping[],
  asked: Asked,
): Promise<readonly string[]> {
  await client.query('begin');
  const { rows } = await client.query<QualifiedName & StateRow>(
    `select source_schema as schema, source_table as table, state, wish::text as wish, reason ->> 'kind' as failure
       from _bunny.table_state
      where mirror_id = $1 and (source_schema, source_table) in (select * from unnest($2::text[], $3::text[]))
      order by source_schema, source_table for update`,
    [
      spec.id,
      mappings.map(({ source }) => source.schema),
      mappings.map(({ source }) => source.table),
    ],
  );
  const noted: string[] = [];
  for (const row of rows) {
    const before = parseNote(row.wish);
    const isRepeated = before.commandIds.includes(asked.commandId);
    if (!isRepeated && !appliesTo(asked.wish, row)) continue;
    noted.push(formatQualifiedName(row));
    // What is to be copied for the first time, or just is, will be as new as another copy would make it.
    if (row.state === 'pending' || row.state === 'copying') continue;
    const note = askOf(before, asked);
    if (note) await updateRow(client, spec.id, row, formatNote(note), asked.wish);
  }
  await client.query('commit');
  return noted;
}

interface StateRow {
  readonly state: string;
  readonly wish: string | null;
  readonly failure: string | null;
}

function appliesTo(wish: LaneWish, { state, failure }: StateRow): boolean {
  switch (wish.action) {
    case 'resync':
      return true;
    case 'hold':
      return state === 'running' || state === 'catching_up' || state === 'error';
    case 'skip':
      return WAITING.has(state) || state === 'catching_up';
    case 'retry':
      return (
        WAITING.has(state) && !(wish.is_automatic === true && failure === FailureKind.TableOnHold)
      );
  }
}

const WAITING: ReadonlySet<string> = new Set(['held', 'error']);

async function updateRow(
  client: pg.Client,
  mirrorId: string,
  table: QualifiedName,
  note: string | null,
  wish: LaneWish,
): Promise<void> {
  await client.query(
    `update _bunny.table_state
        set wish = $4::json, updated_at = now(),
            skipped_lsns = case when $5::pg_lsn is null or $5::pg_lsn = any (skipped_lsns) then skipped_lsns
                                else skipped_lsns || $5::pg_lsn end
      where mirror_id = $1 and source_schema = $2 and source_table = $3`,
    [mirrorId, table.schema, table.table, note, wish.action === 'skip' ? wish.commit_lsn : null],
  );
}

/** The table of the mirror with this source or destination name. */
function findTable(spec: MirrorSpec, text: string): TableMapping {
  const wanted = normalized(text);
  const found =
    spec.tables.find(({ source }) => formatQualifiedName(source) === wanted) ??
    spec.tables.find(({ destination }) => formatQualifiedName(destination) === wanted);
  if (found) return found;
  throw new MirrorError(FailureKind.InvalidInput, 'the mirror has no such table', {
    detail: { table: text },
  });
}

function normalized(text: string): string {
  try {
    return formatQualifiedName(parseQualifiedName(text));
  } catch (error) {
    if (error instanceof RangeError) return text;
    throw error;
  }
}

function requireLsn(text: string): void {
  try {
    parseLsn(text);
  } catch (cause) {
    throw new MirrorError(FailureKind.InvalidInput, 'commit_lsn is not an LSN', {
      detail: { commit_lsn: text },
      cause,
    });
  }
}

const LOCK_TIMEOUT_MS = 30_000;
