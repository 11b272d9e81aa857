import type { RealSchema } from './real-schema.js';

/** A shop that rents films: enums, domains, arrays, full-text search kept by triggers, partitioned payments, views of both kinds. */
export const FILM_RENTAL: RealSchema = {
  name: 'film rental',
  tables: [
    'country',
    'city',
    'address',
    'language',
    'actor',
    'category',
    'film',
    'film_actor',
    'film_category',
    'store',
    'staff',
    'customer',
    'inventory',
    'rental',
    'payment',
  ],
  schema: `
create type film_rating as enum ('G', 'PG', 'PG-13', 'R', 'NC-17');
create domain release_year as int check (value between 1901 and 2155);
create domain email_address as text check (value ~ '@');
create function touch() returns trigger language plpgsql as $$ begin new.last_update := clock_timestamp(); return new; end $$;
create function keep_fulltext() returns trigger language plpgsql as $$
  begin new.fulltext := to_tsvector('pg_catalog.english', new.title || ' ' || coalesce(new.description, '')); return new; end $$;
create table country (country_id serial primary key, country text not null, last_update timestamptz not null default now());
create table city (city_id serial primary key, city text not null, country_id int not null, last_update timestamptz not null default now());
create table address (address_id serial primary key, address text not null, address2 text, district text not null default '', city_id int not null,
  postal_code varchar(10), phone text not null default '', last_update timestamptz not null default now());
create table language (language_id smallserial primary key, name char(20) not null, last_update timestamptz not null default now());
create table actor (actor_id serial primary key, first_name varchar(45) not null, last_name varchar(45) not null, last_update timestamptz not null default now());
create table category (category_id serial primary key, name varchar(25) not null, last_update timestamptz not null default now());
create table film (film_id serial primary key, title varchar(255) not null, description text, release_year release_year, language_id smallint not null,
  original_language_id smallint, rental_duration smallint not null default 3, rental_rate numeric(4,2) not null default 4.99, length smallint,
  replacement_cost numeric(5,2) not null default 19.99, rating film_rating default 'G', special_features text[], fulltext tsvector not null,
  revenue_projection numeric(5,2) generated always as (rental_duration * rental_rate) stored, last_update timestamptz not null default now());
create table film_actor (actor_id int not null, film_id int not null, last_update timestamptz not null default now(), primary key (actor_id, film_id));
create table film_category (film_id int not null, category_id int not null, last_update timestamptz not null default now(), primary key (film_id, category_id));
create table store (store_id serial primary key, manager_staff_id int not null, address_id int not null, last_update timestamptz not null default now());
create table staff (staff_id serial primary key, first_name text not null, last_name text not null, address_id int not null, email email_address, store_id int not null,
  active boolean not null default true, username text not null, picture bytea, last_update timestamptz not null default now());
create table customer (customer_id serial primary key, store_id int not null, first_name text not null, last_name text not null, email email_address, address_id int not null,
  activebool boolean not null default true, create_date date not null default current_date, last_update timestamptz default now());
create table inventory (inventory_id serial primary key, film_id int not null, store_id int not null, last_update timestamptz not null default now());
create table rental (rental_id serial primary key, rental_date timestamptz not null, inventory_id int not null, customer_id int not null, return_date timestamptz,
  staff_id int not null, period tstzrange, last_update timestamptz not null default now());
create table payment (payment_id serial, customer_id int not null, staff_id int not null, rental_id int not null, amount numeric(5,2) not null,
  payment_date timestamptz not null, primary key (payment_date, payment_id)) partition by range (payment_date);
create table payment_2024_h1 partition of payment for values from ('2024-01-01') to ('2024-07-01');
create table payment_2024_h2 partition of payment for values from ('2024-07-01') to ('2025-01-01');
create table payment_rest partition of payment default;
create trigger film_fulltext before insert or update on film for each row execute function keep_fulltext();
create trigger rental_touch before update on rental for each row execute function touch();
create trigger customer_touch before update on customer for each row execute function touch();
create view film_list as select film_id, title, rating from film;
create function rent(pick float) returns void language plpgsql as $$
declare rented int; begin
  insert into rental (rental_date, inventory_id, customer_id, staff_id, period)
    values (now(), 1 + (pick * 600)::int % 600, 1 + (pick * 9973)::int % 200, 1 + (pick * 77)::int % 2, tstzrange(now(), now() + interval '3 days')) returning rental_id into rented;
  insert into payment (customer_id, staff_id, rental_id, amount, payment_date)
    values (1 + (pick * 9973)::int % 200, 1, rented, (pick * 10)::numeric(5,2), timestamptz '2024-01-01' + pick * interval '400 days');
end $$;
create function give_back(pick float) returns void language plpgsql as $$ begin
  update rental set return_date = now(), period = tstzrange(lower(period), now() + interval '1 day') where rental_id = 1 + (pick * 900)::int;
  update payment set payment_date = payment_date + interval '100 days', amount = amount + 1 where rental_id = 1 + (pick * 300)::int;
  update customer set activebool = not activebool, email = 'c' || (pick * 1000)::int || '@example.org' where customer_id = 1 + (pick * 199)::int;
end $$;
create function edit_film(pick float) returns void language plpgsql as $$ begin
  update film set description = repeat('A tale of ' || (pick * 100)::int || '. ', 200), special_features = array['Trailers', null, 'Deleted "Scenes"'], rating = 'PG-13'
    where film_id = 1 + (pick * 99)::int;
  delete from film_actor where film_id = 1 + (pick * 99)::int and actor_id % 3 = 0;
  insert into film_actor select n, 1 + (pick * 99)::int from generate_series(3, 9, 3) n on conflict do nothing;
end $$;`,
  rows: `
insert into country (country) select 'Country ' || n from generate_series(1, 20) n;
insert into city (city, country_id) select 'City ' || n, 1 + n % 20 from generate_series(1, 60) n;
insert into address (address, city_id, postal_code) select n || ' Main Street', 1 + n % 60, lpad(n::text, 5, '0') from generate_series(1, 300) n;
insert into language (name) values ('English'), ('Italian'), ('日本語');
insert into actor (first_name, last_name) select 'First' || n, 'Last' || n from generate_series(1, 40) n;
insert into category (name) select 'Category ' || n from generate_series(1, 8) n;
insert into film (title, description, release_year, language_id, rental_rate, length, rating, special_features)
  select 'Film ' || n, 'A story about ' || n, 1990 + n % 30, 1 + n % 3, 0.99 + n % 5, 60 + n, (enum_range(null::film_rating))[1 + n % 5], array['Trailers', 'Bonus ' || n] from generate_series(1, 100) n;
insert into film_actor select a, f from generate_series(1, 40) a, generate_series(1, 100) f where (a + f) % 7 = 0;
insert into film_category select n, 1 + n % 8 from generate_series(1, 100) n;
insert into store (manager_staff_id, address_id) values (1, 1), (2, 2);
insert into staff (first_name, last_name, address_id, email, store_id, username, picture) values ('Ann', 'A', 3, 'a@example.org', 1, 'ann', '\\x89504e47'), ('Bob', 'B', 4, null, 2, 'bob', null);
insert into customer (store_id, first_name, last_name, email, address_id) select 1 + n % 2, 'F' || n, 'L' || n, 'c' || n || '@example.org', 5 + n from generate_series(1, 200) n;
insert into inventory (film_id, store_id) select 1 + n % 100, 1 + n % 2 from generate_series(1, 600) n;
insert into rental (rental_date, inventory_id, customer_id, staff_id, period)
  select timestamptz '2024-01-01' + n * interval '7 hours', 1 + n % 600, 1 + n % 200, 1 + n % 2, tstzrange(timestamptz '2024-01-01' + n * interval '7 hours', null) from generate_series(1, 1000) n;
insert into payment (customer_id, staff_id, rental_id, amount, payment_date) select customer_id, staff_id, rental_id, rental_id % 9 + 0.99, rental_date from rental;
create materialized view film_totals as select film_id, count(*) as copies from inventory group by 1;`,
  constraints: `
alter table city add foreign key (country_id) references country; alter table address add foreign key (city_id) references city;
alter table film add foreign key (language_id) references language, add foreign key (original_language_id) references language;
alter table film_actor add foreign key (actor_id) references actor on update cascade, add foreign key (film_id) references film on update cascade;
alter table film_category add foreign key (film_id) references film, add foreign key (category_id) references category;
alter table store add foreign key (manager_staff_id) references staff, add foreign key (address_id) references address;
alter table staff add foreign key (store_id) references store, add foreign key (address_id) references address;
alter table customer add foreign key (store_id) references store, add foreign key (address_id) references address;
alter table inventory add foreign key (film_id) references film, add foreign key (store_id) references store;
alter table rental add foreign key (inventory_id) references inventory, add foreign key (customer_id) references customer, add foreign key (staff_id) references staff;
alter table payment add foreign key (customer_id) references customer, add foreign key (rental_id) references rental on delete set null;
create index film_fulltext_idx on film using gist (fulltext); create index rental_period_idx on rental using gist (period);
create unique index rental_once_idx on rental (rental_date, inventory_id, customer_id); create index customer_name_idx on customer (lower(last_name)) where activebool;
create index payment_customer_idx on payment (customer_id); create unique index film_totals_idx on film_totals (film_id);`,
  transactions: ['select rent($1)', 'select give_back($1)', 'select edit_film($1)'],
};
