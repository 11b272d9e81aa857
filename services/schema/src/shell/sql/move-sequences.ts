/**
 * Sets the sequences `$1` (names as SQL) to `$2`. Somebody may have taken numbers since they were looked at: one that is ahead by now is left alone, unless it goes
 * in circles.
 */
export const MOVE_SEQUENCES = `
  select pg_catalog.setval(s.seqrelid::regclass, m.value)
    from unnest($1::text[], $2::int8[]) as m (name, value)
    join pg_sequence s on s.seqrelid = m.name::regclass
   where s.seqcycle or pg_sequence_last_value(s.seqrelid) is null
      or case when s.seqincrement > 0 then pg_sequence_last_value(s.seqrelid) < m.value
              else pg_sequence_last_value(s.seqrelid) > m.value end`;
