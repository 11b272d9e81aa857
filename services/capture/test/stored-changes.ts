import type {
  CommitMessageHead,
  SchemaMark,
  SchemaMarkHead,
  TableMessageHead,
  TransactionMark,
} from '@bunnydb/change-stream';
import { splitCopyLine } from '@bunnydb/pg-model';

export interface StoredMessage {
  readonly sequence: number;
  readonly subject: string;
  readonly payload: Buffer;
  readonly table: TableMessageHead | null;
  readonly mark: { readonly head: SchemaMarkHead; readonly mark: SchemaMark } | null;
  readonly commit: { readonly head: CommitMessageHead; readonly lines: TransactionMark[] } | null;
}

export interface Change {
  readonly table: string;
  readonly op: string;
  readonly unchanged: string | null;
  readonly columns: readonly (string | null)[];
  readonly old: readonly (string | null)[];
}

/** Reads messages as the applier would: joins split rows, orders by `seq`, leaves out batches without an end. */
export function changesOf(messages: readonly StoredMessage[]): Change[] {
  const all: Change[] = [];
  let batch: StoredMessage[] = [];
  for (const message of messages) {
    const name = batchOf(message);
    if (batch[0] && batchOf(batch[0]) !== name) batch = [];
    if (name === undefined) continue;
    if (message.commit && message.commit.head.messages !== batch.length) {
      throw new Error(`batch ${name} has a hole`);
    }
    if (message.commit) {
      all.push(...changesOfBatch(batch));
      batch = [];
    } else {
      batch.push(message);
    }
  }
  return all;
}

function batchOf({ table, mark, commit }: StoredMessage): string | undefined {
  return table?.batch ?? mark?.head.batch ?? commit?.head.batch;
}

/** What of a run of batches is in its place: a mark, or a row as its operation and columns. */
export function storyOf(messages: readonly StoredMessage[]): string[] {
  return messages.flatMap((message) => {
    if (message.mark) return [describeMark(message.mark.mark)];
    if (!message.table) return [];
    const { table } = message.table.table;
    const lines = message.payload.toString().split('\n').slice(0, -1).map(splitCopyLine);
    return message.table.truncate
      ? [`T ${table}`]
      : lines.map(([op, , , ...values]) => `${op} ${table} ${values.join(',')}`);
  });
}

function describeMark(mark: SchemaMark): string {
  return mark.kind === 'relation'
    ? `shape ${mark.table} ${mark.columns.map((column) => column.name).join(',')}`
    : `ddl ${mark.tag} ${mark.objects.map((object) => `${object.type} ${object.identity}`).join(', ')}`;
}

function changesOfBatch(messages: readonly StoredMessage[]): Change[] {
  const numbered: [number, Change][] = [];
  let carried: Buffer = Buffer.alloc(0);
  for (const { table, payload } of messages) {
    if (!table) continue;
    const name = `${table.table.schema}.${table.table.table}`;
    if (table.truncate) {
      const flags = `${table.truncate.cascade ? 'c' : ''}${table.truncate.restartIdentity ? 'r' : ''}`;
      numbered.push([
        table.firstSeq,
        { table: name, op: `T${flags}`, unchanged: null, columns: [], old: [] },
      ]);
      continue;
    }
    carried = Buffer.concat([carried, payload]);
    if (table.continues) continue;
    for (const line of carried.toString('utf8').split('\n').slice(0, -1)) {
      const [op, seq, unchanged, ...values] = splitCopyLine(line);
      numbered.push([
        Number(seq),
        {
          table: name,
          op: op ?? '',
          unchanged: unchanged ?? null,
          columns: values.slice(0, table.columns.length),
          old: values.slice(table.columns.length),
        },
      ]);
    }
    carried = Buffer.alloc(0);
  }
  return numbered.sort(([a], [b]) => a - b).map(([, change]) => change);
}
