import type { MirrorSpec } from '@bunnydb/contracts';
import type { QualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import { keyOf } from '../core/relation-facts.js';
import { ensureSchemaBookkeeping } from './schema-bookkeeping.js';
import { SELECT_AGENDA } from './sql/select-agenda.js';

/** What the destination's bookkeeping says of a mirror. */
export interface Agenda {
  readonly tables: readonly (QualifiedName & {
    readonly state: string;
    readonly isBuilt: boolean;
  })[];
  readonly is_consistent: boolean | null;
  /** How far the stream is applied; null before it is. */
  readonly position: string | null;
  readonly has_due_keys: boolean;
}

/** Undefined while the applier has not been there. */
export async function readAgenda(client: pg.Client, spec: MirrorSpec): Promise<Agenda | undefined> {
  const { rows: found } = await client.query<{ exists: boolean }>(
    `select pg_catalog.count(*) = 2 as exists from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = '_bunny' and c.relname in ('table_state', 'position')`,
  );
  if (found[0]?.exists !== true) return undefined;
  await ensureSchemaBookkeeping(client, { createsSchema: false });
  const { rows } = await client.query<Agenda>(SELECT_AGENDA, [spec.id]);
  return rows[0];
}

/** Tables that have been copied and built once, or have failed on the way there. One that is never built, by an older version perhaps, is taken up after a while. */
export class ReadyTables {
  readonly #mine: ReadonlySet<string>;
  readonly #unbuiltSinceMs = new Map<string, number>();

  constructor(spec: MirrorSpec) {
    this.#mine = new Set(spec.tables.map((table) => keyOf(table.source)));
  }

  among(tables: Agenda['tables']): Agenda['tables'] {
    return tables.filter((table) => {
      const key = keyOf(table);
      if (!this.#mine.has(key) || NOT_READY.has(table.state)) {
        this.#unbuiltSinceMs.delete(key);
        return false;
      }
      // One that failed before it was ever whole may fail for what the comparison finds.
      if (table.isBuilt || table.state === 'error') return true;
      const since = this.#unbuiltSinceMs.get(key) ?? performance.now();
      this.#unbuiltSinceMs.set(key, since);
      return performance.now() - since >= UNBUILT_MAX_MS;
    });
  }
}

/** Tables that are being copied get everything afterwards. */
const NOT_READY: ReadonlySet<string> = new Set(['pending', 'copying', 'resyncing']);
/** Longer than control takes to ask for a build after a copy. */
const UNBUILT_MAX_MS = 30_000;
