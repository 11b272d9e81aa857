/**
 * Every kind of type PostgreSQL ships, each with values that have broken replication somewhere before: extremes,
 * special values, and bytes that the COPY text format must escape. Values are SQL expressions, cast to the type by the caller.
 */
export interface TypeKind {
  /** Also the table's name in the matrix. */
  readonly name: string;
  readonly type: string;
  readonly values: readonly string[];
}

/** What the kinds below need, on both sides. */
export const TYPE_PRELUDE = `
create extension if not exists hstore;
create extension if not exists ltree;
create extension if not exists citext;
create extension if not exists intarray;
create extension if not exists cube;
create extension if not exists seg;
create extension if not exists isn;
create type mood as enum ('sad', 'ok', 'happy', 'with space', 'quo''te', 'comma,brace{}', 'ünï', 'back\\slash');
create domain positive as integer check (value > 0);
create domain short_text as varchar(40) collate "C";
create domain mood_domain as mood;
create domain int_list as integer[] check (array_length(value, 1) < 100);
create type point_3d as (x double precision, y double precision, z double precision);
create type nested as (label text, at point_3d, tags text[], how mood);
create type float_range as range (subtype = float8, subtype_diff = float8mi);
create type mood_range as range (subtype = mood);
`;

const kind = (name: string, type: string, ...values: string[]): TypeKind => ({
  name,
  type,
  values,
});

const NUMERIC: readonly TypeKind[] = [
  kind('k_bool', 'boolean', 'true', 'false'),
  kind('k_int2', 'smallint', '-32768', '0', '32767'),
  kind('k_int4', 'integer', '-2147483648', '0', '2147483647'),
  kind('k_int8', 'bigint', '-9223372036854775808', '0', '9223372036854775807'),
  kind(
    'k_numeric',
    'numeric',
    `'NaN'`,
    `'Infinity'`,
    `'-Infinity'`,
    '0',
    '0.000',
    `'-0.000000000000000000000000000001'`,
    `repeat('9', 1000)`,
    `'0.' || repeat('1', 1000)`,
    `'1e-16383'`,
    `'1e131071'`,
  ),
  kind('k_numeric_scaled', 'numeric(12,3)', '-999999999.999', '0', '123456789.001'),
  kind('k_numeric_negative_scale', 'numeric(5,-2)', '123456', '-9999900'),
  kind(
    'k_float4',
    'real',
    `'NaN'`,
    `'Infinity'`,
    `'-Infinity'`,
    `'-0'`,
    '3.4028235e38',
    '1.1754944e-38',
    '1e-45',
    '0.1',
    '16777217',
  ),
  kind(
    'k_float8',
    'double precision',
    `'NaN'`,
    `'Infinity'`,
    `'-Infinity'`,
    `'-0'`,
    '1.7976931348623157e308',
    '5e-324',
    '0.1',
    '0.30000000000000004',
    '9007199254740993',
  ),
  kind('k_money', 'money', `'-92233720368547758.08'`, `'0'`, `'92233720368547758.07'`),
  kind('k_oid', 'oid', '0', '4294967295'),
  kind('k_pg_lsn', 'pg_lsn', `'0/0'`, `'FFFFFFFF/FFFFFFFF'`, `'16/B374D848'`),
  kind('k_xid8', 'xid8', `'0'`, `'18446744073709551615'`),
  kind('k_xid', 'xid', `'3'`, `'4294967295'`),
  kind('k_cid', 'cid', `'0'`, `'4294967295'`),
  kind('k_tid', 'tid', `'(0,0)'`, `'(4294967295,65535)'`),
  kind('k_regclass', 'regclass', `'pg_class'`, '0'),
  kind('k_regtype', 'regtype', `'integer[]'`, `'"char"'`, '0'),
  kind('k_regproc', 'regprocedure', `'abs(integer)'`, `'sum(bigint)'`),
];

const TIME: readonly TypeKind[] = [
  kind(
    'k_date',
    'date',
    `'infinity'`,
    `'-infinity'`,
    `'4713-01-01 BC'`,
    `'0001-12-31 BC'`,
    `'5874897-12-31'`,
    `'2024-02-29'`,
  ),
  kind('k_time', 'time', `'00:00:00'`, `'24:00:00'`, `'23:59:59.999999'`),
  kind('k_time_3', 'time(3)', `'12:34:56.789'`),
  kind('k_timetz', 'timetz', `'00:00:00+15:59'`, `'24:00:00-15:59'`, `'12:34:56.789012+05:45'`),
  kind(
    'k_timestamp',
    'timestamp',
    `'infinity'`,
    `'-infinity'`,
    `'4713-01-01 00:00:00 BC'`,
    `'294276-12-31 23:59:59.999999'`,
    `'1999-12-31 24:00:00'`,
  ),
  kind(
    'k_timestamptz',
    'timestamptz',
    `'infinity'`,
    `'-infinity'`,
    `'4713-01-02 00:00:00+00 BC'`,
    `'294276-12-31 23:59:59.999999+00'`,
    `'1883-11-18 12:03:58-04:56:02'`,
    `'2023-03-26 02:30:00 Europe/Berlin'`,
  ),
  kind(
    'k_interval',
    'interval',
    `'178000000 years'`,
    `'-178000000 years'`,
    `'1 mon -1 day 25:00:00.000001'`,
    `'-1 year -2 mons +3 days -04:05:06.789'`,
    `'0'`,
  ),
  kind('k_interval_ym', 'interval year to month', `'1-2'`, `'-3-4'`),
];

/** What COPY text must escape, and what merely looks as if it must. */
const TRICKY_TEXT = [
  `''`,
  `' '`,
  `E'\\t'`,
  `E'tab\\there, newline\\nhere, return\\rhere, both\\r\\nhere'`,
  `E'\\\\N'`,
  `E'\\\\.'`,
  `E'\\\\.\\n'`,
  `E'a\\\\b\\\\'`,
  `E'\\b\\f\\v'`,
  `E'\\x01\\x1f\\x7f'`,
  `'quotes '' " \`'`,
  `'null'`,
  `'NULL'`,
  `'{},()[]<>'`,
  `'Zażółć gęślą jaźń ß Ω 中文 العربية'`,
  `'👩‍👩‍👧‍👦 𝔘𝔫𝔦𝔠𝔬𝔡𝔢'`,
  `U&'\\FEFF\\200B\\2028'`,
];

const TEXT: readonly TypeKind[] = [
  kind('k_text', 'text', ...TRICKY_TEXT, `repeat('x', 9000)`, `repeat(E'\\\\\\t\\n', 3000)`),
  kind('k_varchar', 'varchar(40)', `''`, `repeat('ü', 40)`, `E'\\\\N'`),
  kind('k_bpchar', 'char(5)', `'a'`, `'     '`, `'ab   '`, `E'\\\\N'`),
  kind('k_char', '"char"', `'a'`, `''`, `E'\\\\377'`),
  kind('k_name', 'name', `''`, `repeat('n', 63)`, `'with "quotes" and \\'`),
  kind('k_citext', 'citext', `'MiXeD'`, `'mixed'`, `E'\\\\N'`),
  kind(
    'k_bytea',
    'bytea',
    `''::bytea`,
    `(select string_agg(set_byte('\\x00'::bytea, 0, i), ''::bytea order by i) from generate_series(0, 255) i)`,
    `decode(repeat('00', 5000), 'hex')`,
    `'\\x5c4e'::bytea`,
  ),
  kind('k_bit', 'bit(9)', `B'000000000'`, `B'111111111'`, `B'101010101'`),
  kind('k_varbit', 'bit varying', `B''`, `B'1'`, `repeat('10', 700)::varbit`),
  kind(
    'k_uuid',
    'uuid',
    `'00000000-0000-0000-0000-000000000000'`,
    `'ffffffff-ffff-ffff-ffff-ffffffffffff'`,
  ),
];

const DOCUMENTS: readonly TypeKind[] = [
  kind(
    'k_json',
    'json',
    `'{"b": 1, "a":  2, "b":3}'`,
    `'1e400'`,
    `'12345678901234567890.123456789012345678901234567890'`,
    `'null'`,
    `'"\\u00e9\\n\\t\\\\"'`,
    `E'{"line":\\n"break"}'`,
  ),
  kind(
    'k_jsonb',
    'jsonb',
    `'{"b": 1, "a": [1, {"c": null}], "": "empty"}'`,
    `'12345678901234567890.123456789012345678901234567890'`,
    `'1e1000'`,
    `'1.500'`,
    `'null'`,
    `'"tab\\tand\\\\backslash\\u2028"'`,
  ),
  kind('k_jsonpath', 'jsonpath', `'$.a[*] ? (@.b > 1 && @.c == "x")'`),
  kind(
    'k_xml',
    'xml',
    `'<a b="c">text &amp; more</a>'`,
    `'fragment only'`,
    `E'<a>\\n\\t<b/>\\n</a>'`,
  ),
  kind(
    'k_tsvector',
    'tsvector',
    `''`,
    `'a:1A,2B fat:3 ''quo''''ted'':4 ''sp ace'':5'`,
    `to_tsvector('simple', 'the quick brown fox')`,
  ),
  kind('k_tsquery', 'tsquery', `'a & b | !c <-> d:*A'`, `''`),
  kind('k_hstore', 'hstore', `''`, `'a=>1, "b c"=>NULL, "quo\\"te"=>"back\\\\slash"'`),
  kind('k_ltree', 'ltree', `''`, `'Top.Science.Astronomy'`),
  kind('k_lquery', 'lquery', `'*.Astro*@.*{1,2}'`),
];

const NETWORK_AND_SHAPES: readonly TypeKind[] = [
  kind('k_inet', 'inet', `'0.0.0.0/0'`, `'192.168.1.5/24'`, `'::1'`, `'2001:db8::ff00:42:8329/64'`),
  kind('k_cidr', 'cidr', `'10.0.0.0/8'`, `'2001:db8::/32'`),
  kind('k_macaddr', 'macaddr', `'08:00:2b:01:02:03'`),
  kind('k_macaddr8', 'macaddr8', `'08:00:2b:01:02:03:04:05'`),
  kind('k_point', 'point', `'(1.5,-2.5)'`, `'(Infinity,NaN)'`),
  kind('k_line', 'line', `'{1,-1,0}'`),
  kind('k_lseg', 'lseg', `'[(0,0),(1,1)]'`),
  kind('k_box', 'box', `'(2,2),(0,0)'`),
  kind('k_path', 'path', `'[(0,0),(1,1),(2,0)]'`, `'((0,0),(1,1),(2,0))'`),
  kind('k_polygon', 'polygon', `'((0,0),(1,1),(2,0))'`),
  kind('k_circle', 'circle', `'<(0,0),5>'`),
  kind('k_cube', 'cube', `'(1,2,3),(4,5,6)'`),
  kind('k_seg', 'seg', `'1.5 .. 2.50'`),
  kind('k_isbn', 'isbn', `'978-0-393-04002-9'`),
];

const BUILT: readonly TypeKind[] = [
  kind('k_int4range', 'int4range', `'empty'`, `'[1,10)'`, `'(,)'`, `'[5,)'`),
  kind('k_numrange', 'numrange', `'(1.5,2.50]'`, `'empty'`, `'(,7)'`),
  kind('k_daterange', 'daterange', `'[2024-01-01,infinity)'`, `'(-infinity,2024-01-01)'`),
  kind('k_tsrange', 'tsrange', `'["2024-01-01 10:00","2024-01-02 11:30")'`),
  kind('k_tstzrange', 'tstzrange', `'["2024-01-01 10:00+02",)'`),
  kind('k_float_range', 'float_range', `'[0.1,0.3)'`),
  kind('k_mood_range', 'mood_range', `'[ok,happy]'`, `'["with space","quo''te"]'`),
  kind('k_int4multirange', 'int4multirange', `'{}'`, `'{[1,3),[7,9)}'`, `'{(,)}'`),
  kind('k_datemultirange', 'datemultirange', `'{[2024-01-01,2024-02-01),[2024-03-01,)}'`),
  kind(
    'k_int4_array',
    'integer[]',
    `'{}'`,
    `'{1,NULL,3}'`,
    `'{{1,2},{3,4}}'`,
    `'[-2:0]={7,8,9}'`,
    `'[0:1][5:6]={{1,2},{3,4}}'`,
  ),
  kind(
    'k_text_array',
    'text[]',
    `'{}'`,
    `array['', 'NULL', null, E'\\\\N', 'a,b', '{}', '"q"', E'new\\nline', E'back\\\\slash', E'tab\\t']`,
    `array[['a','b'],['c',null]]`,
  ),
  kind('k_numeric_array', 'numeric[]', `'{NaN,Infinity,-1.50}'`),
  kind('k_timestamptz_array', 'timestamptz[]', `'{infinity,"2024-01-01 00:00:00+00",NULL}'`),
  kind('k_bytea_array', 'bytea[]', `array['\\x00ff'::bytea, null, ''::bytea]`),
  kind('k_jsonb_array', 'jsonb[]', `array['{"a": "b,c"}'::jsonb, 'null'::jsonb, null]`),
  kind('k_box_array', 'box[]', `'{(2,2),(0,0);(3,3),(1,1)}'`),
  kind('k_range_array', 'int4range[]', `array['[1,2)'::int4range, 'empty', null]`),
  kind(
    'k_enum',
    'mood',
    `'sad'`,
    `'with space'`,
    `'quo''te'`,
    `'comma,brace{}'`,
    `'ünï'`,
    `E'back\\\\slash'`,
  ),
  kind('k_enum_array', 'mood[]', `array['sad', 'comma,brace{}', null, E'back\\\\slash']::mood[]`),
  kind('k_domain', 'positive', '1', '2147483647'),
  kind('k_domain_text', 'short_text', `''`, `E'tab\\tN'`),
  kind('k_domain_enum', 'mood_domain', `'happy'`),
  kind('k_domain_array', 'int_list', `'{1,2,NULL}'`),
  kind('k_domain_of_array', 'positive[]', `'{1,2,3}'`),
  kind('k_composite', 'point_3d', `row(1, 'NaN', null)`, `row(null, null, null)`, `'(0.1,,-0)'`),
  kind(
    'k_nested',
    'nested',
    `row(E'a "q", (b)\\\\\\n\\t', row(1, 2, 3), array['x,y', null, '"'], 'comma,brace{}')`,
    `row('', null, '{}', null)`,
  ),
  kind('k_composite_array', 'nested[]', `array[row('a', row(1,2,3), '{b}', 'ok')::nested, null]`),
];

/** All of them. */
export const TYPE_KINDS: readonly TypeKind[] = [
  ...NUMERIC,
  ...TIME,
  ...TEXT,
  ...DOCUMENTS,
  ...NETWORK_AND_SHAPES,
  ...BUILT,
];
