import { OBSTACLES } from './select-obstacles.js';

/** An access control list as JSON, in an order of its own; null stays null. */
const acl = (column: string): string => `
  (select json_agg(json_build_object('role', case when x.grantee <> 0 then pg_get_userbyid(x.grantee) end,
            'privilege', x.privilege_type, 'grantable', x.is_grantable) order by x.grantee, x.privilege_type)
     from aclexplode(${column}) x)`;

/** The columns' `pg_attribute` fields that newer servers store as null and older ones as -1. */
const TARGET = `nullif(to_jsonb(a) ->> 'attstattarget', '-1')::int`;

const COLUMNS = `
  (select json_agg(json_build_object('name', a.attname, 'comment', col_description(c.oid, a.attnum), 'statistics', ${TARGET},
            'options', a.attoptions, 'acl', ${acl('a.attacl')}) order by a.attnum)
     from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)`;

const SHAPE = `
  (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
            'collation', case when a.attcollation <> 0 then a.attcollation::regcollation::text end,
            'isNotNull', a.attnotnull, 'notNullName', (select k.conname from pg_constraint k
               where k.conrelid = c.oid and k.contype = 'n' and k.conkey = array[a.attnum]), 'expression', pg_get_expr(d.adbin, d.adrelid),
            'generation', a.attgenerated, 'identity', a.attidentity) order by a.attnum)
     from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)`;

const SEQUENCES = `
  (select json_agg(json_build_object('schema', sn.nspname, 'name', s.relname, 'column', a.attname, 'isIdentity', o.deptype = 'i',
            'comment', obj_description(s.oid, 'pg_class'), 'acl', ${acl('s.relacl')}) order by s.relname)
     from pg_depend o
     join pg_class s on s.oid = o.objid and s.relkind = 'S'
     join pg_namespace sn on sn.oid = s.relnamespace
     join pg_attribute a on a.attrelid = c.oid and a.attnum = o.refobjsubid
    where o.classid = 'pg_class'::regclass and o.refclassid = 'pg_class'::regclass and o.refobjid = c.oid and o.deptype in ('a', 'i'))`;

const INDEXES = `
  (select json_agg(json_build_object('name', x.relname, 'isUnique', i.indisunique, 'isPartial', i.indpred is not null,
            'columns', (select json_agg(a.attname order by u.n) from unnest(i.indkey::int2[]) with ordinality u (attnum, n)
               left join pg_attribute a on a.attrelid = c.oid and a.attnum = u.attnum where u.n <= i.indnkeyatts),
            'isValid', i.indisvalid, 'isPrimary', i.indisprimary,
            'isReplicaIdentity', i.indisreplident, 'isClustered', i.indisclustered,
            'body', substr(pg_get_indexdef(x.oid), length('CREATE ' || case when i.indisunique then 'UNIQUE ' else '' end || 'INDEX '
               || quote_ident(x.relname) || ' ON ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname) || ' ') + 1),
            'options', x.reloptions, 'tablespace', xt.spcname, 'comment', obj_description(x.oid, 'pg_class'),
            'statistics', coalesce((select json_agg(json_build_object('position', a.attnum, 'target', ${TARGET}) order by a.attnum)
               from pg_attribute a where a.attrelid = x.oid and ${TARGET} is not null), '[]'),
            'constraint', k.conname, 'definition', pg_get_constraintdef(k.oid),
            'constraintComment', obj_description(k.oid, 'pg_constraint')) order by x.relname)
     from pg_index i
     join pg_class x on x.oid = i.indexrelid
     left join pg_tablespace xt on xt.oid = x.reltablespace
     left join pg_constraint k on k.conindid = x.oid and k.conrelid = c.oid and k.contype in ('p', 'u', 'x')
    where i.indrelid = c.oid)`;

const CHECKS = `
  (select json_agg(json_build_object('name', k.conname, 'definition', pg_get_constraintdef(k.oid),
            'comment', obj_description(k.oid, 'pg_constraint')) order by k.conname)
     from pg_constraint k where k.conrelid = c.oid and k.contype = 'c')`;

const foreignKeys = (condition: string): string => `
  (select json_agg(json_build_object('schema', kn.nspname, 'table', kc.relname, 'name', k.conname,
            'referencedSchema', fn.nspname, 'referencedTable', fc.relname,
            'definition', pg_get_constraintdef(k.oid), 'isValidated', k.convalidated,
            'isEnforced', coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true),
            'comment', obj_description(k.oid, 'pg_constraint')) order by kn.nspname, kc.relname, k.conname)
     from pg_constraint k
     join pg_class kc on kc.oid = k.conrelid join pg_namespace kn on kn.oid = kc.relnamespace
     join pg_class fc on fc.oid = k.confrelid join pg_namespace fn on fn.oid = fc.relnamespace
    where k.contype = 'f' and k.conparentid = 0 and ${condition})`;

const TRIGGERS = `
  (select json_agg(json_build_object('name', t.tgname, 'definition', pg_get_triggerdef(t.oid), 'enabled', t.tgenabled,
            'comment', obj_description(t.oid, 'pg_trigger')) order by t.tgname)
     from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal)`;

const POLICIES = `
  (select json_agg(json_build_object('name', p.polname, 'isPermissive', p.polpermissive,
            'command', case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
            'roles', (select json_agg(case when r.oid <> 0 then pg_get_userbyid(r.oid) end) from unnest(p.polroles) r (oid)),
            'using', pg_get_expr(p.polqual, c.oid), 'withCheck', pg_get_expr(p.polwithcheck, c.oid),
            'comment', obj_description(p.oid, 'pg_policy')) order by p.polname)
     from pg_policy p where p.polrelid = c.oid)`;

const STATISTICS = `
  (select json_agg(json_build_object('schema', sn.nspname, 'name', e.stxname, 'owner', pg_get_userbyid(e.stxowner),
            'kinds', (select coalesce(json_agg(case k.kind when 'd' then 'ndistinct' when 'f' then 'dependencies' else 'mcv' end order by k.kind), '[]')
                        from unnest(e.stxkind) k (kind) where k.kind <> 'e'),
            'columns', pg_get_statisticsobjdef_columns(e.oid), 'target', nullif(to_jsonb(e) ->> 'stxstattarget', '-1')::int,
            'comment', obj_description(e.oid, 'pg_statistic_ext')) order by sn.nspname, e.stxname)
     from pg_statistic_ext e join pg_namespace sn on sn.oid = e.stxnamespace where e.stxrelid = c.oid)`;

const PUBLICATIONS = `
  (select json_agg(json_build_object('name', p.pubname, 'filter', pg_get_expr(r.prqual, r.prrelid),
            'columns', (select json_agg(a.attname order by a.attnum) from pg_attribute a
                         where a.attrelid = c.oid and a.attnum = any (r.prattrs::int2[]))) order by p.pubname)
     from pg_publication_rel r join pg_publication p on p.oid = r.prpubid where r.prrelid = c.oid)`;

/** What the table `$1`.`$2` is and what hangs on it, as one JSON object in the shape of `TableFacts` but for its name. */
export const SELECT_TABLE_FACTS = `
  select json_build_object(
           'owner', pg_get_userbyid(c.relowner), 'isUnlogged', c.relpersistence = 'u', 'accessMethod', am.amname, 'tablespace', ts.spcname,
           'options', c.reloptions, 'toastOptions', toast.reloptions,
           'hasRowSecurity', c.relrowsecurity, 'forcesRowSecurity', c.relforcerowsecurity,
           'replicaIdentity', c.relreplident, 'comment', obj_description(c.oid, 'pg_class'), 'acl', ${acl('c.relacl')},
           'columns', coalesce(${COLUMNS}, '[]'), 'shape', coalesce(${SHAPE}, '[]'), 'sequences', coalesce(${SEQUENCES}, '[]'),
           'indexes', coalesce(${INDEXES}, '[]'), 'checks', coalesce(${CHECKS}, '[]'),
           'foreignKeys', coalesce(${foreignKeys('k.conrelid = c.oid')}, '[]'),
           'inboundKeys', coalesce(${foreignKeys('k.confrelid = c.oid and k.conrelid <> c.oid')}, '[]'),
           'triggers', coalesce(${TRIGGERS}, '[]'), 'policies', coalesce(${POLICIES}, '[]'),
           'statistics', coalesce(${STATISTICS}, '[]'), 'publications', coalesce(${PUBLICATIONS}, '[]'),
           'obstacles', coalesce((select json_agg(o.reason order by o.reason) from (${OBSTACLES}) o), '[]')
         ) as facts
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_am am on am.oid = c.relam
    left join pg_tablespace ts on ts.oid = c.reltablespace
    left join pg_class toast on toast.oid = c.reltoastrelid
   where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p')`;
