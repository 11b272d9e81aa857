import type { MirrorSpec } from '@bunnydb/contracts';
import type { Messaging } from '@bunnydb/messaging';
import { formatLsn, formatQualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import { askLanes } from './ask-lanes.js';
import { hasEnumLabels } from './enum-labels.js';
import { endOfWal } from './stream-patience.js';

/**
 * Has tables copied again that are in error since a row has the former name of an enum's label: it was written before the rename, and comes in one batch with rows of
 * the new name, or after the rename was made here. The copy has what came before the rename as the source calls it now. Each table is copied once for a rename.
 */
export async function recopyFormerLabels(
  messaging: Messaging,
  spec: MirrorSpec,
  source: pg.Client,
  destination: pg.Client,
): Promise<void> {
  if (!(await hasEnumLabels(destination))) return;
  const { rows } = await destination.query<{ schema: string; table: string }>(SELECT_REFUSED, [
    spec.id,
  ]);
  if (rows.length === 0) return;
  await destination.query(SET_RENAMED_LSN, [spec.id, formatLsn(await endOfWal(source))]);
  await askLanes(
    messaging,
    spec,
    { action: 'resync', strategy: spec.options.resync_strategy, together: false },
    rows.map(formatQualifiedName),
  );
}

/** A column may be of the enum, of an array of it, or of a domain over either. 22P02: the text is no value of the type. */
const SELECT_REFUSED = `
  select t.destination_schema as schema, t.destination_table as table
    from _bunny.table_state t
   where t.mirror_id = $1 and t.state = 'error'
     and t.wish #>> '{asked,wish,action}' is distinct from 'resync' and t.wish ->> 'resync' is null
     and t.reason #>> '{detail,sqlstate}' = '22P02'
     and exists (
       select from _bunny.enum_label l
         join pg_catalog.pg_namespace n on n.nspname = l.type_schema
         join pg_catalog.pg_type e on e.typnamespace = n.oid and e.typname = l.type_name
         join pg_catalog.pg_namespace s on s.nspname = t.destination_schema
         join pg_catalog.pg_class c on c.relnamespace = s.oid and c.relname = t.destination_table
         join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         join pg_catalog.pg_type y on y.oid = a.atttypid
         left join pg_catalog.pg_type b on b.oid = nullif(y.typbasetype, 0)
        where l.mirror_id = $1 and l.is_renamed
          and (l.renamed_lsn is null or t.copy_lsn is null or t.copy_lsn < l.renamed_lsn)
          and e.oid in (y.oid, y.typelem, b.oid, b.typelem))`;
/** Any rename that is noted came before the moment that is set. */
const SET_RENAMED_LSN = `
  update _bunny.enum_label set renamed_lsn = $2
   where mirror_id = $1 and is_renamed and renamed_lsn is null`;
