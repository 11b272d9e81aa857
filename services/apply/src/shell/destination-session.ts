import type { MirrorSpec } from '@bunnydb/contracts';
import {
  type ConnectionSettings,
  PipelinedSession,
  connectClient,
  sqlstateOf,
} from '@bunnydb/pg-client';
import { MirrorError } from '@bunnydb/failure';
import { quoteIdentifier } from '@bunnydb/pg-model';

export interface DestinationSession {
  readonly session: PipelinedSession;
  /** True when the session could not silence triggers, so that foreign keys are checked and have to be deferred. */
  readonly firesTriggers: boolean;
}

/**
 * Opens the one session that writes to the destination.
 *
 * Triggers: the session runs as `session_replication_role = replica` whatever the foreign key strategy is. Only so do the destination's
 * own triggers stay silent, and with them the *actions* of its foreign keys: an ON DELETE CASCADE or SET NULL that fired here would
 * change rows a second time, since the source's own cascade arrives as changes too, and could do so before a change that, at the source, came first.
 * The checks of foreign keys stay silent with them; the rows come from a source that has checked them, in whole transactions.
 *
 * A role that may not set this (it takes a superuser, or GRANT SET ON PARAMETER from 15 on) works in the ordinary role, with foreign keys
 * deferred to the end of each transaction; with strategy `replica` that is refused. See `findFiringTriggers` for what is refused besides.
 */
export async function openDestination(
  settings: ConnectionSettings,
  spec: MirrorSpec,
  signal: AbortSignal,
): Promise<DestinationSession> {
  const client = await connectClient(settings, {
    role: 'destination',
    signal,
    lockTimeoutMs: LOCK_TIMEOUT_MS,
  });
  try {
    for (const [name, value] of Object.entries(SETTINGS))
      await client.query('select set_config($1, $2, false)', [name, value]);
    const isSilent = await silenceTriggers(client);
    if (!isSilent && spec.options.foreign_key_strategy === 'replica')
      throw lacksPrivilege(settings.user);
    if (!isSilent) await refuseFiringTriggers(client, spec, settings.user);
    return { session: PipelinedSession.takeOver(client), firesTriggers: !isSilent };
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

type Client = Awaited<ReturnType<typeof connectClient>>;

async function silenceTriggers(client: Client): Promise<boolean> {
  try {
    await client.query(`set session_replication_role = replica`);
    return true;
  } catch (error) {
    if (sqlstateOf(error) === '42501') return false;
    throw error;
  }
}

/** In the ordinary role, triggers that fire and foreign keys that act would change rows that the source has changed already. */
async function refuseFiringTriggers(client: Client, spec: MirrorSpec, user: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select distinct format('%s.%s', n.nspname, c.relname) as name
       from json_to_recordset($1) as w (schema text, "table" text)
       join pg_namespace n on n.nspname = w.schema
       join pg_class c on c.relnamespace = n.oid and c.relname = w.table
       join pg_trigger t on t.tgrelid = c.oid and t.tgenabled in ('O', 'A')
       left join pg_constraint k on k.oid = t.tgconstraint and k.contype = 'f'
      where not t.tgisinternal
         or (k.oid is not null and t.tgrelid = k.confrelid and (k.confdeltype in ('c', 'n', 'd') or k.confupdtype in ('c', 'n', 'd')))
      order by 1`,
    [JSON.stringify(spec.tables.map((table) => table.destination))],
  );
  if (rows.length > 0)
    throw lacksPrivilege(
      user,
      rows.map((row) => row.name),
    );
}

function lacksPrivilege(user: string, tables: readonly string[] = []): MirrorError {
  return new MirrorError(
    'privilege_missing',
    'the destination user may not set session_replication_role, which keeps triggers and foreign key actions from firing',
    {
      detail: {
        fix: `grant set on parameter session_replication_role to ${quoteIdentifier(user)}`,
        tables,
      },
    },
  );
}

/** All tables wait that long for one that is locked; then it is held, and the others go on. */
const LOCK_TIMEOUT_MS = 10_000;

const SETTINGS = {
  // The position is lost with the rows, and only what is flushed is reported.
  synchronous_commit: 'off',
  // Statements a row are planned once; sets are sent unprepared and planned each time.
  plan_cache_mode: 'force_generic_plan',
  jit: 'off',
  // A set-based update of a batch is never worth a parallel plan, and cannot use one.
  max_parallel_workers_per_gather: '0',
} as const;
