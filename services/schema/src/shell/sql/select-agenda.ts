/**
 * One row about mirror `$1` at its destination: the tables with where their changes go and whether `build_structure` has been there; whether all of them are as of one point
 * of the source's history, which foreign keys need; and whether recorded keys are due.
 */
export const SELECT_AGENDA = `
  select coalesce((
           select json_agg(json_build_object('schema', t.source_schema, 'table', t.source_table, 'state', t.state,
                    'isBuilt', exists (select from _bunny.built_table b
                                        where b.mirror_id = t.mirror_id and b.source_schema = t.source_schema and b.source_table = t.source_table))
                  order by t.source_schema, t.source_table)
             from _bunny.table_state t where t.mirror_id = $1
         ), '[]') as tables,
         (select bool_and(t.state = 'running')
                 and (count(distinct t.copy_lsn) <= 1
                      or coalesce(max(t.copy_lsn) <= (select p.lsn from _bunny.position p where p.mirror_id = $1), true))
            from _bunny.table_state t where t.mirror_id = $1) as is_consistent,
         (select p.lsn::text from _bunny.position p where p.mirror_id = $1) as position,
         exists (select from _bunny.foreign_key k where k.mirror_id = $1 and k.next_try_at <= now()) as has_due_keys`;
