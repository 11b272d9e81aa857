/**
 * Objects that lean on the table, on its row type, on one of its constraints or on the sequence of an identity column, and that are not a part of
 * the table or a foreign key.
 */
const DEPENDENTS = `
  select distinct case when d.classid = 'pg_rewrite'::regclass
           then (select pg_describe_object('pg_class'::regclass, w.ev_class, 0) from pg_rewrite w where w.oid = d.objid)
           else pg_describe_object(d.classid, d.objid, d.objsubid) end || ' depends on it' as reason
    from (select 'pg_class'::regclass::oid as classid, c.oid as objid
          union all
          select o.classid, o.objid from pg_depend o join pg_sequence q on q.seqrelid = o.objid
           where o.classid = 'pg_class'::regclass and o.refclassid = 'pg_class'::regclass and o.refobjid = c.oid and o.deptype = 'i'
          union all
          select 'pg_type'::regclass, t.oid from pg_type own join pg_type t on t.oid in (own.oid, own.typarray) where own.oid = c.reltype
          union all
          select 'pg_constraint'::regclass, k.oid from pg_constraint k where k.conrelid = c.oid) part
    join pg_depend d on d.refclassid = part.classid and d.refobjid = part.objid
   where d.deptype in ('n', 'a', 'i')
     and not case d.classid
           when 'pg_class'::regclass then exists (
             select from pg_class x left join pg_index i on i.indexrelid = x.oid
              where x.oid = d.objid and (x.oid = c.oid or x.relkind in ('S', 't') or i.indrelid = c.oid))
           when 'pg_constraint'::regclass then exists (select from pg_constraint k where k.oid = d.objid and (k.conrelid = c.oid or k.confrelid = c.oid))
           when 'pg_trigger'::regclass then exists (select from pg_trigger t where t.oid = d.objid and (t.tgrelid = c.oid or t.tgconstrrelid = c.oid))
           when 'pg_attrdef'::regclass then exists (select from pg_attrdef f where f.oid = d.objid and f.adrelid = c.oid)
           when 'pg_policy'::regclass then exists (select from pg_policy p where p.oid = d.objid and p.polrelid = c.oid)
           when 'pg_statistic_ext'::regclass then exists (select from pg_statistic_ext e where e.oid = d.objid and e.stxrelid = c.oid)
           when 'pg_publication_rel'::regclass then exists (select from pg_publication_rel r where r.oid = d.objid and r.prrelid = c.oid)
           when 'pg_type'::regclass then d.objid in (c.reltype, (select t.typarray from pg_type t where t.oid = c.reltype))
           else false end`;

/** Why the table `c` of `pg_class` cannot be put away for another, in words: rows of `reason`. */
export const OBSTACLES = `
  select 'it is not an ordinary table' as reason where c.relkind <> 'r'
  union all select 'it is a partition' where c.relispartition
  union all select 'it inherits, or is inherited from' where not c.relispartition
        and exists (select from pg_inherits h where c.oid in (h.inhrelid, h.inhparent))
  union all select 'it is a typed table' where c.reloftype <> 0
  union all select 'it has rules' where exists (select from pg_rewrite w where w.ev_class = c.oid)
  union all select 'it has security labels' where exists (
        select from pg_seclabel l where l.classoid = 'pg_class'::regclass and l.objoid = c.oid)
  union all select 'it belongs to an extension' where exists (
        select from pg_depend e where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
  union all select 'a subscription writes into it' where exists (select from pg_subscription_rel s where s.srrelid = c.oid)
  union all select 'the user of the destination is not its owner' where not pg_has_role(c.relowner, 'usage')
  union all
  select 'the foreign key ' || k.conname || ' of ' || k.conrelid::regclass || ' points to it, whose table is '
         || case kc.relkind when 'p' then 'partitioned' else 'not the user''s' end
    from pg_constraint k join pg_class kc on kc.oid = k.conrelid
   where k.contype = 'f' and k.confrelid = c.oid and k.conparentid = 0 and (kc.relkind = 'p' or not pg_has_role(kc.relowner, 'usage'))
  union all ${DEPENDENTS}`;

/** Of the tables named `$1`.`$2`, in pairs, those that cannot be put away for another, with the reasons. */
export const SELECT_OBSTACLES = `
  select n.nspname as schema, c.relname as table, o.obstacles
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    cross join lateral (select array_agg(r.reason order by r.reason) as obstacles from (${OBSTACLES}) r) o
   where (n.nspname, c.relname) in (select * from unnest($1::text[], $2::text[])) and c.relkind in ('r', 'p') and o.obstacles is not null
   order by n.nspname, c.relname`;
