import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { samePair } from '@bunnydb/testkit';
import { type Stack, startStack } from '../src/stack.js';

const TABLES = [samePair('public', 'words')];
const SCHEMA = 'create table words (id integer primary key, v text, "naïve" varchar(20));';
/** Characters that LATIN1, LATIN9 or WIN1252 have, and how COPY must escape the rest. */
const COPY_ROWS = `
  insert into words values (1, 'Grüße aus Ägypten', 'Ñandú'), (2, '¿Qué? £ ¥ ÿ', null), (3, E'tab\\t ö newline\\n ß backslash\\\\', '×÷'),
    (4, repeat('äöü', 4000), 'long');`;
const CHANGES = `
  insert into words values (11, 'façade', 'ø'), (12, E'\\\\N', 'Þ');
  update words set v = 'Straße', "naïve" = 'ÿ' where id = 1;
  update words set "naïve" = null where id = 3;
  delete from words where id = 4;`;

describe('encodings', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack('encodings');
  });
  afterAll(() => stack?.stop());

  test.each([
    ['LATIN1', 'UTF8'],
    ['UTF8', 'LATIN1'],
    ['WIN1252', 'LATIN9'],
  ])(
    'text of a %s source arrives in a %s destination',
    async (sourceEncoding, destinationEncoding) => {
      const pair = await stack.createPair({
        source: SCHEMA + COPY_ROWS,
        destination: SCHEMA,
        sourceEncoding,
        destinationEncoding,
      });
      const mirror = await pair.createMirror({ table_mappings: ['public.words'] });
      await mirror.waitForStatus('running');
      await mirror.waitForEqual(TABLES);
      await pair.source.query(CHANGES);
      await mirror.waitForEqual(TABLES);
    },
  );

  test('text of an SQL_ASCII source that is valid UTF-8 arrives in a UTF8 destination', async () => {
    const pair = await stack.createPair({
      source: 'create table words (id integer primary key, v text);',
      destination: 'create table words (id integer primary key, v text);',
      sourceEncoding: 'SQL_ASCII',
    });
    await pair.source.query(`insert into words values (1, 'Grüße 中文'), (2, E'tab\\t')`);
    const mirror = await pair.createMirror({ table_mappings: ['public.words'] });
    await mirror.waitForStatus('running');
    await mirror.waitForEqual(TABLES);
    await pair.source.query(
      `insert into words values (3, 'später 🐰'); update words set v = 'ÿ' where id = 2`,
    );
    await mirror.waitForEqual(TABLES);
  });

  test('a character that the destination cannot hold holds its table with the reason, and is not passed over', async () => {
    const pair = await stack.createPair({
      source: SCHEMA + COPY_ROWS,
      destination: SCHEMA,
      destinationEncoding: 'LATIN1',
    });
    const mirror = await pair.createMirror({ table_mappings: ['public.words'] });
    await mirror.waitForStatus('running');
    await pair.source.query(`insert into words values (21, '中文', null)`);
    await pair.source.query(`insert into words values (22, 'later', null)`);
    const { error_message } = await mirror.waitForTable('public.words', 'error');
    expect(error_message).toMatch(/value was refused/);
    const { rows } = await pair.destination.query('select id from words where id > 20');
    expect(rows).toEqual([]);
  });
});
