/** Header names of the change stream; what they hold is told in `docs/protocol/change-stream.md`. */
export const Header = {
  /** Absent: the first version. */
  Version: 'Bunny-Version',
  Epoch: 'Bunny-Epoch',
  Batch: 'Bunny-Batch',
  Segment: 'Bunny-Segment',
  Table: 'Bunny-Table',
  Columns: 'Bunny-Columns',
  Key: 'Bunny-Key',
  Identity: 'Bunny-Identity',
  Old: 'Bunny-Old',
  Ops: 'Bunny-Ops',
  Seq: 'Bunny-Seq',
  Unchanged: 'Bunny-Unchanged',
  Continues: 'Bunny-Continues',
  Truncate: 'Bunny-Truncate',
  PrevLsn: 'Bunny-Prev-Lsn',
  FirstLsn: 'Bunny-First-Lsn',
  LastLsn: 'Bunny-Last-Lsn',
  FirstSeq: 'Bunny-First-Seq',
  Messages: 'Bunny-Messages',
  Changes: 'Bunny-Changes',
  Bytes: 'Bunny-Bytes',
  TraceParent: 'traceparent',
} as const;

/** Reads a header; the shape that both NATS headers and a test's Map fit. */
export interface HeaderSource {
  get(name: string): string;
}
