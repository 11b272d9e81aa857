import type { TestDatabase } from '@bunnydb/testkit';

/** Every kind of index, constraint and foreign key. */
export const SHOP = `
  create schema shop;
  create schema ext;
  create extension btree_gist with schema ext;
  create extension pg_trgm with schema ext;
  create table shop.region (code text primary key, parent text references shop.region on delete set null);
  create table shop.customer (
    id serial primary key, email text not null, region text not null, nick text, tags text[], spot point, seen inet,
    doc jsonb, body tsvector, at timestamptz not null default now(), score int,
    constraint customer_email_key unique (email) include (nick),
    constraint customer_nick_key unique nulls not distinct (nick, region),
    constraint "Score Range" check (score between 0 and 100),
    constraint customer_region_fkey foreign key (region) references shop.region (code) match full on update cascade on delete restrict
  );
  create index customer_at_brin on shop.customer using brin (at) with (pages_per_range = 16);
  create index customer_tags_gin on shop.customer using gin (tags) with (fastupdate = off);
  create index customer_nick_trgm on shop.customer using gin (nick ext.gin_trgm_ops);
  create index customer_spot_gist on shop.customer using gist (spot);
  create index customer_seen_spgist on shop.customer using spgist (seen);
  create index customer_email_hash on shop.customer using hash (email);
  create index customer_lower on shop.customer (lower(email) text_pattern_ops desc nulls last, nick collate "C");
  create unique index customer_partial on shop.customer (id, score) include (at) nulls not distinct where score is not null;
  create index customer_doc on shop.customer using gin (doc jsonb_path_ops);
  create index customer_body on shop.customer using gist (body tsvector_ops (siglen = 100));
  create table shop.booking (
    id bigint generated always as identity primary key, room int not null, during tstzrange not null, customer int not null,
    previous bigint, position int unique deferrable initially deferred,
    constraint booking_no_overlap exclude using gist (room with =, during with &&) where (room > 0),
    constraint booking_previous foreign key (previous) references shop.booking on delete cascade,
    constraint booking_customer foreign key (customer) references shop.customer deferrable
  );
  create table shop.boss (id int primary key, team int);
  create table shop.team (id int primary key, boss int references shop.boss);
  alter table shop.boss add constraint boss_team foreign key (team) references shop.team on delete set null (team);
  create table shop.event (id bigint, at date not null, customer int references shop.customer, kind text, primary key (id, at)) partition by range (at);
  create table shop.event_2024 partition of shop.event for values from ('2024-01-01') to ('2025-01-01');
  create table shop.event_rest partition of shop.event default;
  create index event_kind on shop.event (kind, at desc);
  create unique index event_unique on shop.event (id, at, kind);
  create index event_2024_own on shop.event_2024 (kind) where kind <> 'x';
  alter table shop.event_rest add constraint rest_kind check (kind <> '');`;
export const NAMES = ['region', 'customer', 'booking', 'boss', 'team', 'event'];
export const TABLES = NAMES.map((name) => `shop.${name}`);

/** Definitions as PostgreSQL writes them, without what deferral adds. */
export async function definitionsOf(
  database: TestDatabase,
  schema = 'shop',
): Promise<readonly string[]> {
  const rows = await database.query<{ definition: string }>(
    `select pg_get_indexdef(i.indexrelid) || case when i.indisvalid then '' else ' INVALID' end as definition
       from pg_index i join pg_class c on c.oid = i.indexrelid
      where c.relnamespace = $1::regnamespace and i.indexrelid not in (select inhrelid from pg_inherits)
     union all
     select k.conrelid::regclass || ' ' || k.conname || ' ' ||
            case when k.contype = 'f' then regexp_replace(pg_get_constraintdef(k.oid), '( NOT)? DEFERRABLE( INITIALLY DEFERRED)?', '')
                 else pg_get_constraintdef(k.oid) end
       from pg_constraint k where k.connamespace = $1::regnamespace and k.contype <> 'n' and k.conparentid = 0
     order by 1`,
    [schema],
  );
  return rows.map((row) => row.definition);
}

/** Rows that fit; into the destination they stand for those that the copy brings. */
export async function seed(database: TestDatabase): Promise<void> {
  await database.query(
    `insert into shop.region values ('eu', null), ('nl', 'eu');
     insert into shop.customer (email, region, nick, score) select 'u' || n, 'nl', 'n' || n, n % 100 from generate_series(1, 500) n;
     insert into shop.booking (room, during, customer, position)
     select n, tstzrange('2024-01-01', '2024-01-02'), 1 + n % 500, n from generate_series(1, 200) n;
     insert into shop.event select n, date '2024-06-01' + (n % 400), 1 + n % 500, 'k' from generate_series(1, 1000) n`,
  );
}
