/** One row about the server and what the user may do. `rds_replication` is how Amazon's servers grant replication. */
export const selectServer = (versionNumber: number): string => `
  select current_setting('server_version') as version,
         current_setting('server_version_num')::int as version_number,
         current_user::text as "user",
         current_database()::text as database,
         pg_encoding_to_char(d.encoding)::text as encoding,
         pg_is_in_recovery() as is_standby,
         current_setting('default_transaction_read_only') = 'on' as is_read_only,
         r.rolsuper as is_superuser,
         current_setting('wal_level') as wal_level,
         current_setting('max_replication_slots')::int as slots_max,
         (select count(*)::int from pg_replication_slots) as slots_used,
         current_setting('max_wal_senders')::int as wal_senders_max,
         (select count(*)::int from pg_stat_replication) as wal_senders_used,
         r.rolsuper or r.rolreplication or exists (
           select from pg_roles m where m.rolname = 'rds_replication' and pg_has_role(m.oid, 'usage')
         ) as can_replicate,
         has_database_privilege(d.oid, 'create') as can_create_in_database,
         r.rolsuper or ${setsReplicationRole(versionNumber)} as can_set_replication_role,
         d.oid || '/' || d.datname || '/' || extract(epoch from pg_postmaster_start_time())::text as identity
    from pg_database d, pg_roles r
   where d.datname = current_database() and r.rolname = current_user`;

/** Before PostgreSQL 15 only a superuser could; the function to ask is as old as the privilege. */
function setsReplicationRole(versionNumber: number): string {
  return versionNumber < 150_000
    ? 'false'
    : `has_parameter_privilege('session_replication_role', 'set')`;
}
