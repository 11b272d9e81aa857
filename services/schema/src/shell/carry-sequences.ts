import type { MirrorSpec } from '@bunnydb/contracts';
import { type QualifiedName, quoteQualifiedName } from '@bunnydb/pg-model';
import type pg from 'pg';
import { type SequencePosition, nextPosition } from '../core/sequence-position.js';
import { type CompareOptions } from './compare-structure.js';
import { withPeer } from './peer-session.js';
import { SELECT_SEQUENCE_VALUES } from './sql/select-sequence-values.js';

/** Sets the destination's sequences to the source's positions, with head-room. Sequences are told apart by the column that they serve. */
export async function carrySequences(options: CompareOptions, client: pg.Client): Promise<number> {
  const { spec, openSecret, signal } = options;
  const source = await withPeer(
    { peer: spec.source, role: 'source', openSecret, signal },
    (session) => readPositions(session, spec, 'source'),
  );
  const destination = await readPositions(client, spec, 'destination');
  let moved = 0;
  const seen = new Set<string>();
  for (const [key, position] of source) {
    const target = destination.get(key);
    if (target === undefined) continue;
    const name = quoteQualifiedName(target.name);
    const value = nextPosition(position, target);
    if (value === null || seen.has(name)) continue;
    seen.add(name);
    await client.query('select pg_catalog.setval($1::pg_catalog.regclass, $2::pg_catalog.int8)', [
      name,
      value,
    ]);
    moved += 1;
  }
  return moved;
}

async function readPositions(
  client: pg.Client,
  spec: MirrorSpec,
  side: 'source' | 'destination',
): Promise<ReadonlyMap<string, SequencePosition & { readonly name: QualifiedName }>> {
  const names = spec.tables.map((table) => table[side]);
  const { rows } = await client.query<SequenceRow>(SELECT_SEQUENCE_VALUES, [
    names.map((name) => name.schema),
    names.map((name) => name.table),
  ]);
  const counts = new Map<string, number>();
  return new Map(
    rows.map((row) => {
      const column = `${row.table_no}\0${row.column_name}`;
      const no = counts.get(column) ?? 0;
      counts.set(column, no + 1);
      const name = { schema: row.schema, table: row.name };
      return [`${column}\0${no}`, { ...row, name }] as const;
    }),
  );
}

interface SequenceRow extends SequencePosition {
  readonly table_no: number;
  readonly column_name: string;
  readonly schema: string;
  readonly name: string;
}
