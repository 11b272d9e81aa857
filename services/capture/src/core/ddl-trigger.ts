import { quoteIdentifier, quoteLiteral } from '@bunnydb/pg-model';
import { DDL_PREFIX } from './ddl-message.js';

/** What tells a mirror of DDL on its source: a function in the schema `_bunny` there, and two event triggers that call it. */
export interface DdlTriggerNames {
  /** Quoted, with its schema. */
  readonly functionName: string;
  /** As the catalog has them. */
  readonly triggers: readonly { readonly name: string; readonly event: string }[];
}

export function ddlTriggerNames(mirrorId: string): DdlTriggerNames {
  return {
    functionName: `_bunny.${quoteIdentifier(`tell_ddl_${mirrorId}`)}`,
    triggers: [
      { name: `bunny_${mirrorId}_ddl_end`, event: 'ddl_command_end' },
      { name: `bunny_${mirrorId}_sql_drop`, event: 'sql_drop' },
    ],
  };
}

/**
 * The statements that make the function and its triggers, or make them anew; the schema is there already.
 *
 * They fire in every session, also where `session_replication_role` is `replica`: rows that such a session changes are replicated, too.
 */
export function createDdlTrigger(mirrorId: string): readonly string[] {
  const { functionName, triggers } = ddlTriggerNames(mirrorId);
  return [
    `create or replace function ${functionName}() returns event_trigger language plpgsql as ${quoteLiteral(functionBody(mirrorId))}`,
    ...triggers.flatMap(({ name, event }) => [
      `drop event trigger if exists ${quoteIdentifier(name)}`,
      `create event trigger ${quoteIdentifier(name)} on ${event} execute function ${functionName}()`,
      `alter event trigger ${quoteIdentifier(name)} enable always`,
    ]),
  ];
}

/**
 * The function writes a logical message that commits or goes with the command's transaction. What it must not do is harm a user's DDL, so
 * whatever fails in it is forgotten: the poll finds the difference later.
 *
 * It runs with the rights of whoever runs the command, who needs none for it: an event trigger's function is called without looking at
 * EXECUTE. It resolves names in pg_catalog only, while the message has the search path of the command. Bytes rather than text, since a
 * logical message is not converted from the database's encoding.
 *
 * An empty message follows: PostgreSQL sorts a logical message by where it ends and a row by where it begins, so that without it the
 * message and the next row of another subtransaction would tie, and could come in the wrong order.
 */
function functionBody(mirrorId: string): string {
  return `
declare
  caller_path pg_catalog.text;
  found pg_catalog.jsonb;
  total pg_catalog.int4;
  kept pg_catalog.int4 := ${LISTED_MAX};
  body pg_catalog.text;
begin
  caller_path := pg_catalog.current_setting('search_path');
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  if tg_tag = 'REINDEX' then
    total := 0;
  elsif tg_event = 'sql_drop' then
    ${collect(DROPPED_OBJECTS)}
  else
    ${collect(TOUCHED_OBJECTS)}
  end if;
  if total > 0 then
    loop
      body := jsonb_build_object(
        'mirror', ${quoteLiteral(mirrorId)}, 'tag', tg_tag, 'role', current_user, 'search_path', left(caller_path, 1000),
        'objects', (select coalesce(jsonb_agg(o.object order by o.ordinal), '[]') from jsonb_array_elements(found) with ordinality o (object, ordinal) where o.ordinal <= kept),
        'objects_left', greatest(total - kept, 0))::text;
      exit when octet_length(body) <= ${MESSAGE_BYTES_MAX} or kept = 0;
      kept := kept / 2;
    end loop;
    perform pg_logical_emit_message(true, '${DDL_PREFIX}', convert_to(body, 'UTF8'));
    perform pg_logical_emit_message(true, '${DDL_PREFIX}', '');
  end if;
  perform pg_catalog.set_config('search_path', caller_path, true);
exception when others then
  null;
end`;
}

function collect(objects: string): string {
  return `select coalesce(jsonb_agg(o.object order by o.ordinal) filter (where o.ordinal <= kept), '[]'), count(*)
    into found, total from (${objects}) o;`;
}

/** The kinds of objects that a mirror carries, as PostgreSQL calls them in its event triggers. */
const TOLD_TYPES = [
  'table',
  'table column',
  'table constraint',
  'default value',
  'index',
  'trigger',
  'sequence',
  'type',
  'composite type',
  'domain constraint',
  'statistics object',
  'collation',
  'schema',
  'extension',
];
const TOLD = `d.object_type in (${TOLD_TYPES.map(quoteLiteral).join(', ')})
  and d.schema_name is distinct from 'pg_temp' and coalesce(d.schema_name, d.object_identity) is distinct from '_bunny'`;

/** What went only because it was a part of something else (a table's indexes, its row type) is left out. */
const DROPPED_OBJECTS = `
  select row_number() over () as ordinal, jsonb_build_object(
    'type', d.object_type, 'schema', d.schema_name, 'identity', d.object_identity, 'dropped', true,
    'table', case when d.object_type in ('table', 'table column', 'table constraint', 'default value', 'trigger')
                  then jsonb_build_object('schema', d.address_names[1], 'table', d.address_names[2]) end) as object
  from pg_event_trigger_dropped_objects() d
  where (d.original or d.normal) and not d.is_temporary and ${TOLD}`;

/** What an extension's script made is left out, the extension itself is not. */
const TOUCHED_OBJECTS = `
  select row_number() over () as ordinal, jsonb_build_object(
    'type', d.object_type, 'schema', d.schema_name, 'identity', d.object_identity, 'dropped', false,
    'table', case when t.oid is not null then jsonb_build_object('schema', t.nspname, 'table', t.relname) end,
    'root', case when t.root <> t.oid then (
      select jsonb_build_object('schema', n.nspname, 'table', c.relname)
      from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = t.root) end) as object
  from pg_event_trigger_ddl_commands() d
  left join lateral (
    select c.oid, n.nspname, c.relname, c.relpersistence, pg_partition_root(c.oid) as root from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and c.oid = case d.classid
      when 'pg_class'::regclass then coalesce(
        (select i.indrelid from pg_index i where i.indexrelid = d.objid),
        (select s.refobjid from pg_depend s where d.object_type = 'sequence' and s.classid = d.classid and s.objid = d.objid
           and s.refclassid = d.classid and s.refobjsubid > 0 and s.deptype in ('a', 'i') limit 1),
        d.objid)
      when 'pg_constraint'::regclass then (select k.conrelid from pg_constraint k where k.oid = d.objid)
      when 'pg_attrdef'::regclass then (select f.adrelid from pg_attrdef f where f.oid = d.objid)
      when 'pg_trigger'::regclass then (select g.tgrelid from pg_trigger g where g.oid = d.objid)
      when 'pg_statistic_ext'::regclass then (select x.stxrelid from pg_statistic_ext x where x.oid = d.objid)
    end
  ) t on true
  where not d.in_extension and d.object_identity is not null and t.relpersistence is distinct from 't' and ${TOLD}`;

/** Objects that are listed at most; the rest is counted. */
const LISTED_MAX = 128;
/** Below 64 KiB with what the message has around it. */
const MESSAGE_BYTES_MAX = 60_000;
