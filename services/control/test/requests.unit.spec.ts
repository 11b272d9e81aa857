import 'reflect-metadata';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CreateMirrorRequest,
  CreatePeerRequest,
  ListLogsQuery,
  type TableMappingRequest,
} from '@bunnydb/contracts';
import { configOf } from '../src/core/request/config-of.js';
import { findUnstorable } from '../src/core/request/find-unstorable.js';
import { normalizeMirrorBody } from '../src/core/request/normalize-mirror-body.js';
import { patternsOf } from '../src/core/request/patterns-of.js';
import { spanMsOf } from '../src/core/request/span-ms-of.js';
import { wishesOf } from '../src/core/request/wishes-of.js';
import { Problem } from '../src/shell/http/problem.js';
import { RequestPipe } from '../src/shell/http/request-pipe.js';
import { requestSchema } from '../src/shell/http/request-schema.js';

const mirrorPipe = new RequestPipe(CreateMirrorRequest, normalizeMirrorBody);
const base = { name: 'shop', source_peer: 'src', destination_peer: 'dst' };

const namedWishes = (table_mappings: readonly TableMappingRequest[]) =>
  wishesOf({ table_mappings });

function fieldsOf(run: () => unknown): readonly (readonly [string, string])[] {
  try {
    run();
  } catch (error) {
    if (error instanceof Problem && error.status === 400) {
      return (error.extras.fields ?? []).map(({ path, message }) => [path, message] as const);
    }
    throw error;
  }
  return [];
}

describe('the body of a mirror', () => {
  it('an unknown field is refused with its path', () => {
    const body = {
      ...base,
      colour: 'red',
      table_mappings: [{ source_table: 'public.a' }, { source_table: 'public.b', size: 1 }],
    };
    expect(fieldsOf(() => mirrorPipe.transform(body))).toEqual([
      ['colour', 'unknown field'],
      ['table_mappings[1].size', 'unknown field'],
    ]);
  });

  it('every wrong field is named at once', () => {
    const body = { ...base, name: 'Shop!', table_mappings: [7], max_batch_size: 0 };
    const paths = fieldsOf(() => mirrorPipe.transform(body)).map(([path]) => path);
    expect(paths).toEqual(['table_mappings[0]']);
    const second = { ...body, table_mappings: [{}] };
    expect(fieldsOf(() => mirrorPipe.transform(second)).map(([path]) => path)).toEqual([
      'name',
      'table_mappings[0].source_table',
      'max_batch_size',
    ]);
  });

  it('the old names of options stand for the new ones, but not beside them', () => {
    const body = { ...base, table_mappings: 'public.*', cdc_batch_size: 7 };
    const request = mirrorPipe.transform({ ...body, cdc_sync_interval_seconds: 3 });
    expect(configOf(request)).toMatchObject({ max_batch_size: 7, idle_timeout_seconds: 3 });
    expect(fieldsOf(() => mirrorPipe.transform({ ...body, max_batch_size: 8 }))).toEqual([
      ['cdc_batch_size', 'is another name of max_batch_size; give only one of them'],
    ]);
  });

  it('a pattern stands for a list, and all_tables for everything', () => {
    const one = mirrorPipe.transform({ ...base, table_mappings: 'public.*' });
    expect(one.table_mappings).toEqual([{ source_table: 'public.*' }]);
    const two = mirrorPipe.transform({ ...base, table_mappings: ['public.*', 'x.y'] });
    expect(wishesOf(two)).toEqual({
      tag: 'parsed',
      value: [{ source: 'public.*' }, { source: 'x.y', destination: undefined }],
    });
    expect(mirrorPipe.transform({ ...base, all_tables: true }).all_tables).toBe(true);
    expect(fieldsOf(() => mirrorPipe.transform(base)).map(([path]) => path)).toEqual([
      'table_mappings',
    ]);
  });

  it('replicate_schema is a flag or its parts', () => {
    const body = { ...base, all_tables: true };
    const off = mirrorPipe.transform({ ...body, replicate_schema: false });
    expect(configOf(off).replicate_schema).toMatchObject({ columns: false, sequences: false });
    const part = mirrorPipe.transform({ ...body, replicate_schema: { checks: false } });
    expect(configOf(part).replicate_schema).toMatchObject({ columns: true, checks: false });
    expect(fieldsOf(() => mirrorPipe.transform({ ...body, replicate_schema: { a: 1 } }))).toEqual([
      ['replicate_schema.a', 'unknown field'],
    ]);
  });

  it('an option that is not carried out is refused rather than ignored', () => {
    const body = { ...base, all_tables: true, soft_delete_column: 'deleted_at' };
    expect(fieldsOf(() => mirrorPipe.transform(body))).toEqual([
      ['soft_delete_column', 'is not supported by this version yet'],
    ]);
    expect(fieldsOf(() => mirrorPipe.transform({ ...body, soft_delete_column: null }))).toEqual([]);
  });
});

describe('table names', () => {
  it('may be given whole, in parts, or quoted', () => {
    const wishes = namedWishes([
      { source_table: 'public.users', destination_table: 'archive.people' },
      { source_schema: 'a.b', source_table: 'c', destination_schema: 'd' },
      { source_table: '"a.b"."c"', row_filter: 'x > 1', exclude_columns: ['y'] },
    ]);
    expect(wishes).toEqual({
      tag: 'parsed',
      value: [
        { source: 'public.users', destination: 'archive.people' },
        { source: '"a.b".c', destination: 'd.c' },
        { source: '"a.b".c', row_filter: 'x > 1', exclude_columns: ['y'] },
      ],
    });
  });

  it('that are not schema.table are refused with their path', () => {
    expect(
      namedWishes([{ source_table: 'users' }, { source_table: 'a.b', destination_table: 'c' }]),
    ).toMatchObject({
      tag: 'invalid',
      fields: [
        { path: 'table_mappings[0].source_table' },
        { path: 'table_mappings[1].destination_table' },
      ],
    });
  });

  it('stand for many at the destination only where they do at the source', () => {
    expect(namedWishes([{ source_table: 'a.*', destination_table: 'b.*' }]).tag).toBe('parsed');
    const one = [{ source_table: 'a.b', destination_table: 'c*' }];
    expect(namedWishes(one)).toMatchObject({
      tag: 'invalid',
      fields: [{ path: 'table_mappings[0].destination_table' }],
    });
    const starred = [{ source_schema: 'a', source_table: '*', destination_table: 'c*' }];
    expect(namedWishes(starred).tag).toBe('invalid');
  });
});

describe('tables that are excluded', () => {
  const transformed = (body: object) => wishesOf(mirrorPipe.transform({ ...base, ...body }));

  it('go with every pattern, and with all tables', () => {
    const except = ['public.log_*', 'audit."Odd.one"'];
    const mappings = [
      'public.*',
      'public.users',
      { source_table: 'app.*', destination_table: 'b.*' },
    ];
    expect(transformed({ table_mappings: mappings, exclude_tables: except })).toEqual({
      tag: 'parsed',
      value: [
        { source: 'public.*', except },
        { source: 'public.users' },
        { source: 'app.*', destination: 'b.*', except },
      ],
    });
    const value = [{ source: '*.*', except: ['audit.*'] }];
    expect(transformed({ all_tables: true, exclude_tables: 'audit.*' })).toEqual({
      tag: 'parsed',
      value,
    });
    expect(patternsOf(value)).toEqual([
      { source_schema: '*', destination_schema: '*', exclude_columns: [], except: ['audit.*'] },
    ]);
    for (const none of [[], null]) {
      expect(transformed({ all_tables: true, exclude_tables: none })).toEqual({
        tag: 'parsed',
        value: [{ source: '*.*' }],
      });
    }
  });

  it('are refused where they say nothing, or what a mapping contradicts', () => {
    const fields = (body: object) => {
      const wishes = transformed(body);
      return wishes.tag === 'invalid' ? wishes.fields : [];
    };
    expect(fields({ table_mappings: ['a.b'], exclude_tables: ['a.c'] })).toMatchObject([
      { path: 'exclude_tables', message: expect.stringContaining('needs a pattern') },
    ]);
    expect(
      fields({ table_mappings: ['a.*', 'a.log_1'], exclude_tables: ['b.*', 'a.log_*'] }),
    ).toEqual([
      {
        path: 'table_mappings[1].source_table',
        message: 'is excluded by exclude_tables[1]: take it out of one of them',
      },
    ]);
    expect(fields({ all_tables: true, exclude_tables: ['logs', ' '] })).toMatchObject([
      { path: 'exclude_tables[0]', message: expect.stringContaining('schema.table') },
      { path: 'exclude_tables[1]' },
    ]);
    // With a schema beside it, a star is part of a name.
    const starred = { source_schema: 'a', source_table: '*' };
    expect(fields({ table_mappings: [starred, 'a.x*'], exclude_tables: ['a.b'] })).toEqual([]);
  });

  it('are texts', () => {
    const body = { ...base, all_tables: true, exclude_tables: [7] };
    expect(fieldsOf(() => mirrorPipe.transform(body)).map(([path]) => path)).toEqual([
      'exclude_tables',
    ]);
  });
});

describe('any request', () => {
  const peerPipe = new RequestPipe(CreatePeerRequest);

  it('a peer needs its parts, or a url in their place', () => {
    expect(fieldsOf(() => peerPipe.transform({ name: 'p' })).map(([path]) => path)).toEqual([
      'host',
      'user',
      'database',
    ]);
    expect(peerPipe.transform({ name: 'p', url: 'postgresql://u@h/d' }).name).toBe('p');
  });

  it('numbers of a query come as text and must be whole', () => {
    const pipe = new RequestPipe(ListLogsQuery);
    expect(pipe.transform({ limit: '20' }).limit).toBe(20);
    for (const limit of ['', 'x', '1.5', '0', '501', ['1', '2']]) {
      expect(fieldsOf(() => pipe.transform({ limit })).map(([path]) => path)).toEqual(['limit']);
    }
  });

  it('what PostgreSQL cannot store is refused wherever it stands', () => {
    expect(findUnstorable({ a: [{ b: 'x\0' }] })?.path).toBe('a[0].b');
    expect(findUnstorable({ a: '\ud800' })?.path).toBe('a');
    expect(findUnstorable({ a: '😀\n' })).toBeUndefined();
    expect(findUnstorable(JSON.parse('{"__proto__":{"x":1}}'))?.path).toBe('__proto__');
    let deep: unknown = 1;
    for (let depth = 0; depth < 5_000; depth += 1) deep = [deep];
    expect(findUnstorable(deep)?.message).toBe('is nested too deeply');
    const wide = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`k${index}`, 1]));
    expect(findUnstorable({ a: wide })).toEqual({ path: 'a', message: 'has too many fields' });
  });

  it(
    'whatever comes in is taken or refused with 400, never anything else',
    { timeout: 30_000 },
    () => {
      const names = fc.constantFrom(
        'name',
        'table_mappings',
        'source_table',
        'max_batch_size',
        'replicate_schema',
        'constructor',
        '__proto__',
        'toString',
        'then',
      );
      const json = fc.letrec((tie) => ({
        value: fc.oneof(
          { depthSize: 'small' },
          fc.string({ unit: 'binary' }),
          fc.double(),
          fc.boolean(),
          fc.constant(null),
          fc.array(tie('value'), { maxLength: 4 }),
          fc.dictionary(fc.oneof(names, fc.string()), tie('value'), { maxKeys: 5 }),
        ),
      })).value;
      fc.assert(
        fc.property(json, json, (anything, mappings) => {
          for (const body of [anything, { ...base, table_mappings: mappings }]) {
            fieldsOf(() => {
              const request = mirrorPipe.transform(body);
              wishesOf(request);
              configOf(request);
            });
            fieldsOf(() => peerPipe.transform(body));
          }
        }),
        { numRuns: 100 },
      );
    },
  );
});

describe('the document', () => {
  it('says what the rules say', () => {
    const schema = requestSchema(CreateMirrorRequest);
    expect(schema.required).toEqual(['name', 'source_peer', 'destination_peer']);
    expect(schema.properties['name']).toMatchObject({
      type: 'string',
      pattern: expect.any(String),
    });
    expect(schema.properties['max_batch_size']).toMatchObject({ type: 'integer', minimum: 1 });
    expect(schema.properties['table_mappings']).toMatchObject({
      type: 'array',
      items: { type: 'object', required: ['source_table'] },
    });
    expect(schema.properties['foreign_key_strategy']).toMatchObject({
      enum: ['defer', 'replica', 'none'],
    });
  });

  it('spans are at most an hour', () => {
    expect([spanMsOf('30s'), spanMsOf('15m'), spanMsOf('1h'), spanMsOf('99h')]).toEqual([
      30_000, 900_000, 3_600_000, 3_600_000,
    ]);
  });
});
