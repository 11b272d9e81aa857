export const SELECT_SLOT_NAMES = `select slot_name::text as name from pg_replication_slots`;
