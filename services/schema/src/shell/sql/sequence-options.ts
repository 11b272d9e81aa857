/** A `pg_sequence` row, alias `q`, as JSON in the shape of `SequenceOptions`; numbers as text, since they have 64 bits. */
export const SEQUENCE_OPTIONS_JSON = `
  'dataType', format_type(q.seqtypid, null), 'start', q.seqstart::text, 'increment', q.seqincrement::text,
  'minimum', q.seqmin::text, 'maximum', q.seqmax::text, 'cache', q.seqcache::text, 'cycles', q.seqcycle`;
