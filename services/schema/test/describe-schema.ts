import type { TestDatabase } from '@bunnydb/testkit';

/**
 * Everything that pg_dump would tell of tables and of what they are made of, a line each, straight from the catalog and on purpose by other statements than the
 * service's. What deferral adds to foreign keys is left out; so are unlogged tables.
 */
export async function describeSchema(database: TestDatabase): Promise<readonly string[]> {
  const client = await database.connect();
  try {
    await client.query(`set search_path = ''`);
    const { rows } = await client.query<{ line: string }>(
      `${PARTS.map((part) => `select line from (${part}) part (line)`).join('\nunion all\n')}\norder by 1`,
    );
    return rows.map((row) => row.line);
  } finally {
    await client.end();
  }
}

/** Lines that only one side has. */
export function differenceOf(
  source: readonly string[],
  destination: readonly string[],
): readonly string[] {
  const [ours, theirs] = [new Set(source), new Set(destination)];
  return [
    ...source.filter((line) => !theirs.has(line)).map((line) => `- ${line}`),
    ...destination.filter((line) => !ours.has(line)).map((line) => `+ ${line}`),
  ];
}

const OURS = `n.nspname !~ '^pg_' and n.nspname not in ('information_schema', '_bunny')`;
const MEMBER = (catalog: string, object: string): string =>
  `exists (select from pg_depend e where e.classid = '${catalog}'::regclass and e.objid = ${object} and e.deptype = 'e')`;

const PARTS = [
  `select format('schema %I: %s', n.nspname, obj_description(n.oid)) from pg_namespace n where ${OURS}`,
  `select format('extension %I in %I', x.extname, n.nspname) from pg_extension x join pg_namespace n on n.oid = x.extnamespace`,
  `select format('collation %I.%I %s', n.nspname, c.collname, to_jsonb(c) - '{oid,collnamespace,collowner,collversion}'::text[])
     from pg_collation c join pg_namespace n on n.oid = c.collnamespace where ${OURS}`,
  `select format('type %s %s enum %s domain %s %s %s %s collation %s range %s', format_type(t.oid, null), t.typtype,
            (select string_agg(quote_literal(l.enumlabel), ',' order by l.enumsortorder) from pg_enum l where l.enumtypid = t.oid),
            format_type(nullif(t.typbasetype, 0), t.typtypmod), t.typnotnull, t.typdefault,
            (select string_agg(k.conname || ' ' || pg_get_constraintdef(k.oid), ',' order by k.conname) from pg_constraint k where k.contypid = t.oid),
            nullif(t.typcollation, 0)::regcollation,
            (select format('%s %s %s %s %s %s', format_type(r.rngsubtype, null), r.rngcollation::regcollation, o.opcname, r.rngcanonical, r.rngsubdiff,
                           format_type(r.rngmultitypid, null))
               from pg_range r join pg_opclass o on o.oid = r.rngsubopc where r.rngtypid = t.oid))
     from pg_type t join pg_namespace n on n.oid = t.typnamespace left join pg_class c on c.oid = t.typrelid
    where ${OURS} and coalesce(c.relkind, 'c') = 'c' and t.typcategory <> 'A' and not ${MEMBER('pg_type', 't.oid')}`,
  `select format('sequence %s owned by %s: %s %s %s %s %s %s %s %s', q.seqrelid::regclass, d.refobjid::regclass || '.' || a.attname, d.deptype,
            format_type(q.seqtypid, null), q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, q.seqcycle)
     from pg_sequence q left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = q.seqrelid and d.deptype in ('a', 'i')
     left join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid`,
  `select format('table %s %s options %s toast %s identity %s partition %s of %s key %s inherits %s', c.oid::regclass, c.relkind,
            (select array_agg(o order by o) from unnest(c.reloptions) o), t.reloptions, c.relreplident, pg_get_expr(c.relpartbound, c.oid), c.relispartition,
            case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end,
            (select array_agg(h.inhparent::regclass order by h.inhseqno) from pg_inherits h where h.inhrelid = c.oid))
     from pg_class c join pg_namespace n on n.oid = c.relnamespace left join pg_class t on t.oid = c.reltoastrelid
    where ${OURS} and c.relkind in ('r', 'p') and c.relpersistence = 'p'`,
  `select format('column %s %s %I %s', a.attrelid::regclass, row_number() over (partition by a.attrelid order by a.attnum), a.attname,
            jsonb_strip_nulls(jsonb_build_object('type', format_type(a.atttypid, a.atttypmod), 'not null', a.attnotnull, 'expression', pg_get_expr(d.adbin, d.adrelid),
              'generated', a.attgenerated, 'identity', a.attidentity, 'collation', nullif(a.attcollation, 0)::regcollation, 'storage', a.attstorage,
              'compression', a.attcompression, 'statistics', nullif(a.attstattarget, -1), 'options', (select array_agg(o order by o) from unnest(a.attoptions) o), 'local', a.attislocal, 'parents', a.attinhcount)))
     from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
     left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where ${OURS} and c.relkind in ('r', 'p', 'c') and c.relpersistence = 'p' and a.attnum > 0 and not a.attisdropped and not ${MEMBER('pg_class', 'c.oid')}`,
  `select format('index %s valid %s cluster %s identity %s parent %s statistics %s', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisclustered, i.indisreplident,
            (select h.inhparent::regclass from pg_inherits h where h.inhrelid = i.indexrelid),
            (select array_agg(a.attnum || ':' || a.attstattarget) from pg_attribute a where a.attrelid = i.indexrelid and a.attstattarget >= 0))
     from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace where ${OURS} and c.relpersistence = 'p'`,
  `select format('constraint %s.%I %s validated %s local %s parents %s noinherit %s parent %s', k.conrelid::regclass, k.conname,
            case when k.contype = 'f' then regexp_replace(pg_get_constraintdef(k.oid), '( NOT)? DEFERRABLE( INITIALLY DEFERRED)?', '') else pg_get_constraintdef(k.oid) end,
            k.convalidated, k.conislocal, k.coninhcount, k.contype = 'c' and k.connoinherit, p.conrelid::regclass || '.' || p.conname)
     from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
     left join pg_constraint p on p.oid = k.conparentid
    where ${OURS} and c.relpersistence = 'p' and (k.contype <> 'f' or k.conparentid = 0)`,
  `select format('statistics %s %s', pg_get_statisticsobjdef(s.oid), to_jsonb(s) -> 'stxstattarget')
     from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace where ${OURS}`,
  `select format('comment on %s: %s', pg_describe_object(d.classoid, d.objoid, d.objsubid), d.description)
     from pg_description d where d.objoid >= 16384 and d.classoid not in ('pg_extension'::regclass, 'pg_proc'::regclass, 'pg_operator'::regclass, 'pg_am'::regclass)
      and pg_describe_object(d.classoid, d.objoid, d.objsubid) is not null`,
];
