/** One schema with every kind of object that a table may be made of. Names are meant to hurt. */
export const EVERYTHING = `
  create schema "Odd ""Schema""";
  comment on schema "Odd ""Schema""" is 'it''s odd';
  create schema other;
  create schema ext;
  create extension btree_gist with schema ext;
  create extension pg_trgm with schema ext;
  create extension pgcrypto with schema ext;
  set search_path = "Odd ""Schema""", pg_catalog;

  create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  comment on collation ci is 'ignores case';
  create collation "Phone Book" (provider = icu, locale = 'de-u-co-phonebk');
  create type mood as enum ('sad', 'it''s ok', 'happy');
  alter type mood add value 'between' before 'happy';
  comment on type mood is 'how one feels';
  create domain positive as numeric(8,2) default 1 not null constraint above_zero check (value > 0);
  comment on domain positive is 'more than nothing';
  comment on constraint above_zero on domain positive is 'zero is no amount';
  alter domain positive add constraint small check (value < 1000000) not valid;
  create domain "Name" as text collate ci;
  create type pair as (amount positive, moods mood[], label text collate "Phone Book");
  comment on column pair.amount is 'how much';
  create type span as range (subtype = float8, subtype_diff = float8mi, multirange_type_name = many_spans);
  create type words as range (subtype = text, collation = "C", subtype_opclass = text_pattern_ops);
  create sequence ticket as int start 100 increment 5 minvalue 10 maxvalue 9999 cache 3 cycle;
  comment on sequence ticket is 'numbers on paper';

  create table "Customer" (
    id serial primary key,
    "E mail" text collate ci not null,
    "select" "Name",
    region text not null,
    token uuid default ext.gen_random_uuid(),
    born date default current_date - 1,
    feels mood default 'happy',
    price positive,
    best pair[],
    reach span, reaches many_spans, between_words words,
    ticket bigint default nextval('ticket'::regclass),
    code text default 'T' || nextval('ticket'::regclass)::text,
    tags text[] default '{}', at timestamptz(3) default now(),
    body text, doc jsonb, spot point, seen inet, score int, "dropped one" int,
    bits varbit(7), money_like numeric(10,2) default 0.50,
    full_text tsvector generated always as (to_tsvector('simple'::regconfig, coalesce(body, ''))) stored,
    constraint "Score Range" check (score between 0 and 100),
    constraint not_for_children check (region <> '') no inherit,
    constraint customer_email_key unique ("E mail") include (region),
    constraint customer_code_key unique nulls not distinct (code, region),
    constraint customer_ticket_key unique (ticket) deferrable initially deferred
  ) with (fillfactor = 71, autovacuum_enabled = false, toast.autovacuum_vacuum_threshold = 77);
  alter table "Customer" drop column "dropped one";
  alter table "Customer" add constraint late check (score <> 13) not valid;
  alter table "Customer" alter column body set storage external;
  alter table "Customer" alter column doc set compression pglz;
  alter table "Customer" alter column region set statistics 500;
  alter table "Customer" alter column region set (n_distinct = -0.5, n_distinct_inherited = 7);
  comment on table "Customer" is E'people\\nwho pay';
  comment on column "Customer"."E mail" is 'where "letters" go';
  comment on constraint "Score Range" on "Customer" is 'percent';
  comment on constraint customer_email_key on "Customer" is 'one each';
  comment on sequence "Customer_id_seq" is 'behind id';
  create index customer_at on "Customer" using brin (at) with (pages_per_range = 16);
  create index customer_tags on "Customer" using gin (tags) with (fastupdate = off);
  create index customer_trgm on "Customer" using gin (code ext.gin_trgm_ops);
  create index customer_spot on "Customer" using gist (spot);
  create index customer_seen on "Customer" using spgist (seen);
  create index customer_hash on "Customer" using hash (region) with (fillfactor = 50);
  create index customer_lower on "Customer" (lower(code) text_pattern_ops desc nulls last, region collate "Phone Book");
  create unique index "Partial Index" on "Customer" (id, score desc nulls first) include (at) nulls not distinct where score is not null;
  create index customer_doc on "Customer" using gin (doc jsonb_path_ops);
  create index customer_text on "Customer" using gist (full_text tsvector_ops (siglen = 100)) with (fillfactor = 60);
  alter index customer_lower alter column 1 set statistics 300;
  comment on index "Partial Index" is 'scored ones';
  alter table "Customer" cluster on customer_lower;
  create statistics customer_stats (ndistinct, dependencies) on region, code from "Customer";
  create statistics customer_expr on lower(region), (score + 1) from "Customer";
  create statistics other.far (mcv) on region, score from "Customer";
  alter statistics customer_stats set statistics 77;
  comment on statistics customer_stats is 'they hang together';

  create table booking (
    id bigint generated always as identity (sequence name booking_ids start 7 increment 3 cache 2) primary key,
    line int generated by default as identity,
    room int not null, during tstzrange not null, customer int not null, previous bigint, "position" int,
    constraint booking_no_overlap exclude using gist (room with =, during with &&) where (room > 0),
    constraint booking_customer foreign key (customer) references "Customer" on delete restrict,
    constraint booking_previous foreign key (previous) references booking on delete cascade
  );
  create unique index booking_identity on booking (room, customer);
  alter table booking replica identity using index booking_identity;
  comment on constraint booking_previous on booking is 'a chain';
  create table boss (id int primary key, team int);
  create table team (id int primary key, boss int references boss);
  alter table boss add constraint boss_team foreign key (team) references team on delete set null (team);
  alter table boss replica identity full;
  create table two_keys (a int, b text, c int, primary key (b, a));
  create table refers (x int, y text, z int default 0, id int primary key,
    constraint matches foreign key (y, x) references two_keys (b, a) match full on update cascade on delete set default (x));
  alter table refers add constraint unchecked foreign key (z) references team not valid;

  create table event (
    id bigint generated by default as identity, at date not null, customer int references "Customer", kind text default 'k', n int default 1,
    primary key (id, at, kind), constraint event_n check (n > 0)
  ) partition by range (at);
  create table event_2023 partition of event for values from (minvalue) to ('2024-01-01') with (fillfactor = 55);
  create table event_2024 partition of event for values from ('2024-01-01') to ('2025-01-01') partition by list (kind);
  create table event_2024_a partition of event_2024 (kind default 'a') for values in ('a', 'it''s');
  create table event_2024_hash partition of event_2024 for values in ('h') partition by hash (id);
  create table event_2024_hash_0 partition of event_2024_hash for values with (modulus 2, remainder 0);
  create table other.event_2024_hash_1 partition of event_2024_hash for values with (modulus 2, remainder 1);
  create table event_2024_rest partition of event_2024 default;
  create table event_attached (n int default 2, kind text not null, gone int, at date not null, id bigint not null, customer int,
    constraint event_n check (n > 0), constraint attached_key primary key (id, at, kind));
  alter table event_attached drop column gone;
  alter table event attach partition event_attached for values from ('2025-01-01') to (maxvalue);
  create index event_kind on event (kind, at desc);
  comment on index event_kind is 'by kind';
  create unique index event_unique on event (id, at, kind);
  create index event_2023_own on event_2023 (kind) where kind <> 'x';
  alter table event_attached add constraint own_check check (kind <> '');
  comment on table event_2023 is 'long ago';
  create table about_event (id int primary key, event bigint, at date, kind text, foreign key (event, at, kind) references event);
  create table loose (a text, b int) partition by list (lower(a));
  create table loose_some partition of loose for values in ('x', null);
  alter table loose replica identity full;
  create index loose_b on loose (b);
  create statistics event_stats on id, kind from event;

  create table animal (id int primary key, name text default 'x' constraint named check (name <> ''), legs int not null);
  create table cat (lives int default 9, primary key (id)) inherits (animal);
  alter table cat alter column name set default 'Tom';
  create table kitten (age int, constraint young check (age < 2)) inherits (cat);
  create index cat_lives on cat (lives);
  comment on column cat.name is 'what it is called';
  create table other."Customer" (id int primary key, "order" text);
  create table other.no_columns ();
  create table other.mixed (a int, b text collate ci, primary key (a, b), check ((mixed.*) is not null));
  create index mixed_row on other.mixed ((mixed.* is null));
  create unlogged table other.not_mirrored (id int primary key);
  reset search_path`;

/** What only PostgreSQL 17 and 18 have. */
export const NEWEST = `
  set search_path = "Odd ""Schema""", pg_catalog;
  create table newest (
    id int constraint "Id There" not null, a int, virtual_one int generated always as (a * 2) virtual, stored_one int generated always as (a * 3) stored,
    b int, during int4range, constraint newest_key primary key (id, during without overlaps)
  );
  alter table newest add constraint b_there not null b not valid;
  comment on constraint "Id There" on newest is 'always';
  alter table newest add constraint nobody_asks check (a > 0) not enforced;
  create table during_newest (id int, during int4range, constraint within foreign key (id, period during) references newest (id, period during));
  create table not_null_parent (id int, a int constraint own_word not null no inherit);
  create table not_null_child (constraint childs not null id) inherits (not_null_parent);
  reset search_path`;

const ODD = 'Odd "Schema"';
export const EVERYTHING_TABLES = [
  ...[
    'Customer',
    'booking',
    'boss',
    'team',
    'two_keys',
    'refers',
    'event',
    'about_event',
    'loose',
    'animal',
    'cat',
    'kitten',
  ].map((table) => ({ schema: ODD, table })),
  ...['Customer', 'no_columns', 'mixed'].map((table) => ({ schema: 'other', table })),
];
export const NEWEST_TABLES = ['newest', 'during_newest', 'not_null_parent', 'not_null_child'].map(
  (table) => ({ schema: ODD, table }),
);
