import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApplyFixture } from './apply-fixture.js';
import { type Change, KEPT, SourceTable } from './stream-writer.js';

let fixture: ApplyFixture;

beforeEach(async () => {
  fixture = await ApplyFixture.open();
});

afterEach(async () => {
  await fixture.close();
});

const MIB = 1024 * 1024;
const docs = new SourceTable('docs', ['id', 'body', 'n']);
const DOCS = 'create table docs (id int primary key, body text, n int)';

describe('a batch that does not fit into memory', () => {
  it('is read again from the stream and applied whole, with tables whose messages overlap', async () => {
    await fixture.createTable(docs, DOCS);
    const body = 'x'.repeat(2_000);
    const changes: Change[] = [];
    // Key changes fill their own messages slowly, so that those come long after later changes of the same rows.
    for (let id = 1; id <= 8_000; id++) {
      changes.push(docs.insert(id, body, 0));
      if (id % 10 === 0) changes.push(docs.updateFrom([id], 100_000 + id, body, 1));
      if (id % 10 === 0) changes.push(docs.update(100_000 + id, KEPT, 2));
      if (id % 20 === 0) changes.push(docs.delete(100_000 + id, null, null));
    }
    await fixture.stream.write([changes], { rowsPerMessage: 300 });
    const session = fixture.start();
    await fixture.untilApplied(session);
    const [row] = await fixture.rows(
      `select count(*)::int as rows, count(*) filter (where n = 2)::int as moved, min(length(body))::int as shortest from docs`,
    );
    expect(row).toEqual({ rows: 8_000 - 400, moved: 400, shortest: 2_000 });
    await fixture.untilStats({ missing_rows: 0, exact_path_batches: 0 });
    await session.stop();
  });

  it('takes rows that are larger than what is held: inserted, updated, moved, deleted', async () => {
    await fixture.createTable(docs, DOCS);
    const large = (letter: string): string => letter.repeat(20 * MIB) + '\t\\\n';
    const pieceBytes = 700_000;
    const session = fixture.start();
    await fixture.stream.write([[docs.insert(1, large('a'), 1)]], { pieceBytes });
    await fixture.untilApplied(session);
    const first = await fixture.rows(
      `select id, length(body)::int as size, right(body, 4) as tail, n from docs`,
    );
    expect(first).toEqual([{ id: 1, size: 20 * MIB + 3, tail: 'a\t\\\n', n: 1 }]);
    await fixture.stream.write([[docs.update(1, large('b'), 2)]], { pieceBytes });
    await fixture.stream.write([[docs.updateFrom([1], 2, large('c'), 3)]], { pieceBytes });
    await fixture.stream.write([[docs.update(3, large('d'), 4)]], { pieceBytes });
    await fixture.untilApplied(session);
    const then = await fixture.rows(`select id, left(body, 1) as head, n from docs order by id`);
    expect(then).toEqual([
      { id: 2, head: 'c', n: 3 },
      { id: 3, head: 'd', n: 4 },
    ]);
    await fixture.untilStats({ missing_rows: 1 });
  });

  it('finds a row without a key although its old value has to be passed through', async () => {
    const full = new SourceTable('docs', ['id', 'body'], [], 'f');
    await fixture.createTable(full, 'create table docs (id int, body text)');
    const large = 'e'.repeat(18 * MIB);
    const session = fixture.start();
    const pieceBytes = 900_000;
    await fixture.stream.write([[full.insert(null, large)]], { pieceBytes });
    await fixture.stream.write([[full.insert(null, large)]], { pieceBytes });
    await fixture.stream.write([[full.updateFrom([null, large], 7, 'short')]], { pieceBytes });
    await fixture.stream.write([[full.delete(null, large)]], { pieceBytes });
    await fixture.untilApplied(session);
    expect(await fixture.rows('select id, body from docs')).toEqual([{ id: 7, body: 'short' }]);
  });

  it('that is refused on the way is applied row by row', async () => {
    const items = new SourceTable('items', ['id', 'name', 'body']);
    await fixture.createTable(
      items,
      'create table items (id int primary key, name text unique, body text)',
    );
    const body = 'x'.repeat(4_000);
    const changes = Array.from({ length: 5_000 }, (_, id) => items.insert(id, `n${id}`, body));
    changes.push(
      items.update(1, 'tmp', body),
      items.update(2, 'n1', body),
      items.update(1, 'n2', body),
    );
    for (let id = 10; id < 40; id++) changes.push(items.update(id, `m${id}`, body));
    await fixture.stream.write([changes], { rowsPerMessage: 200 });
    const session = fixture.start();
    await fixture.untilApplied(session);
    const rows = await fixture.rows('select id, name from items where id in (1, 2) order by id');
    expect(rows).toEqual([
      { id: 1, name: 'n2' },
      { id: 2, name: 'n1' },
    ]);
  });

  it('a row that was cut over messages of a small batch is put together', async () => {
    await fixture.createTable(docs, DOCS);
    await fixture.stream.write([[docs.insert(1, 'y'.repeat(5_000), 1)]], { pieceBytes: 100 });
    const session = fixture.start();
    await fixture.untilApplied(session);
    expect(await fixture.rows('select id, length(body)::int as size, n from docs')).toEqual([
      { id: 1, size: 5_000, n: 1 },
    ]);
  });
});
