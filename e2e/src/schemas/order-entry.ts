import type { RealSchema } from './real-schema.js';

/** Order entry at warehouses, as the TPC-C benchmark has it: composite keys in each other's references, hot counters, a history without a key. */
export const ORDER_ENTRY: RealSchema = {
  name: 'order entry',
  tables: [
    'warehouse',
    'district',
    'customer',
    'history',
    'new_order',
    'orders',
    'order_line',
    'item',
    'stock',
  ],
  schema: `
create table warehouse (w_id int primary key, w_name varchar(10), w_state char(2), w_zip char(9), w_tax numeric(4,4), w_ytd numeric(12,2));
create table district (d_id int, d_w_id int, d_name varchar(10), d_tax numeric(4,4), d_ytd numeric(12,2), d_next_o_id int, primary key (d_w_id, d_id));
create table customer (c_id int, c_d_id int, c_w_id int, c_first varchar(16), c_last varchar(16), c_since timestamp, c_credit char(2), c_credit_lim numeric(12,2),
  c_discount numeric(4,4), c_balance numeric(12,2), c_ytd_payment numeric(12,2), c_payment_cnt int, c_data varchar(500), primary key (c_w_id, c_d_id, c_id));
create table history (h_c_id int, h_c_d_id int, h_c_w_id int, h_d_id int, h_w_id int, h_date timestamp, h_amount numeric(6,2), h_data varchar(24));
alter table history replica identity full;
create table new_order (no_o_id int, no_d_id int, no_w_id int, primary key (no_w_id, no_d_id, no_o_id));
create table orders (o_id int, o_d_id int, o_w_id int, o_c_id int, o_entry_d timestamp, o_carrier_id int, o_ol_cnt int, o_all_local int, primary key (o_w_id, o_d_id, o_id));
create table order_line (ol_o_id int, ol_d_id int, ol_w_id int, ol_number int, ol_i_id int, ol_supply_w_id int, ol_delivery_d timestamp, ol_quantity int,
  ol_amount numeric(6,2), ol_dist_info char(24), primary key (ol_w_id, ol_d_id, ol_o_id, ol_number));
create table item (i_id int primary key, i_name varchar(24), i_price numeric(5,2), i_data varchar(50));
create table stock (s_i_id int, s_w_id int, s_quantity int, s_dist_01 char(24), s_ytd int, s_order_cnt int, s_data varchar(50), primary key (s_w_id, s_i_id));
create function place_order(pick float) returns void language plpgsql as $$
declare w int := 1 + (pick * 2)::int % 2; d int := 1 + (pick * 97)::int % 10; o int; begin
  update district set d_next_o_id = d_next_o_id + 1 where d_w_id = w and d_id = d returning d_next_o_id - 1 into o;
  insert into orders values (o, d, w, 1 + (pick * 1009)::int % 60, clock_timestamp(), null, 5, 1);
  insert into new_order values (o, d, w);
  insert into order_line select o, d, w, n, 1 + ((pick * 7919)::int + n * 13) % 200, w, null, 5, (pick * 99)::numeric(6,2), 'dist ' || n from generate_series(1, 5) n;
  update stock set s_quantity = case when s_quantity > 10 then s_quantity - 5 else s_quantity + 86 end, s_ytd = s_ytd + 5, s_order_cnt = s_order_cnt + 1
    where s_w_id = w and s_i_id in (select 1 + ((pick * 7919)::int + n * 13) % 200 from generate_series(1, 5) n);
end $$;
create function pay(pick float) returns void language plpgsql as $$
declare w int := 1 + (pick * 2)::int % 2; d int := 1 + (pick * 89)::int % 10; c int := 1 + (pick * 1013)::int % 60; amount numeric(6,2) := 1 + pick * 500; begin
  update warehouse set w_ytd = w_ytd + amount where w_id = w;
  update district set d_ytd = d_ytd + amount where d_w_id = w and d_id = d;
  update customer set c_balance = c_balance - amount, c_ytd_payment = c_ytd_payment + amount, c_payment_cnt = c_payment_cnt + 1,
    c_data = left(c || ' ' || amount || ' | ' || c_data, 500) where c_w_id = w and c_d_id = d and c_id = c;
  insert into history values (c, d, w, d, w, clock_timestamp(), amount, 'paid');
end $$;
create function deliver(pick float) returns void language plpgsql as $$
declare w int := 1 + (pick * 2)::int % 2; o record; begin
  for o in delete from new_order where (no_w_id, no_d_id, no_o_id) in (select no_w_id, no_d_id, min(no_o_id) from new_order where no_w_id = w group by 1, 2) returning * loop
    update orders set o_carrier_id = 1 + (pick * 10)::int % 10 where o_w_id = w and o_d_id = o.no_d_id and o_id = o.no_o_id;
    update order_line set ol_delivery_d = clock_timestamp() where ol_w_id = w and ol_d_id = o.no_d_id and ol_o_id = o.no_o_id;
  end loop;
end $$;`,
  rows: `
insert into warehouse select n, 'W' || n, 'CA', '123456789', 0.1, 300000 from generate_series(1, 2) n;
insert into district select d, w, 'D' || d, 0.05, 30000, 31 from generate_series(1, 10) d, generate_series(1, 2) w;
insert into customer select c, d, w, 'First' || c, 'Last' || c % 10, '2024-01-01', case when c % 10 = 0 then 'BC' else 'GC' end, 50000, 0.1, -10, 10, 1, repeat('data ' || c, 20)
  from generate_series(1, 60) c, generate_series(1, 10) d, generate_series(1, 2) w;
insert into item select n, 'Item ' || n, 1 + n % 100, 'data ' || n from generate_series(1, 200) n;
insert into stock select i, w, 50, 'dist', 0, 0, 'original' from generate_series(1, 200) i, generate_series(1, 2) w;
insert into orders select o, d, w, 1 + (o * 7) % 60, '2024-01-01', case when o < 20 then 3 end, 5, 1 from generate_series(1, 30) o, generate_series(1, 10) d, generate_series(1, 2) w;
insert into new_order select o, d, w from generate_series(20, 30) o, generate_series(1, 10) d, generate_series(1, 2) w;
insert into order_line select o, d, w, n, 1 + (o * n) % 200, w, null, 5, 9.99, 'dist' from generate_series(1, 30) o, generate_series(1, 10) d, generate_series(1, 2) w, generate_series(1, 5) n;`,
  constraints: `
alter table district add foreign key (d_w_id) references warehouse; alter table customer add foreign key (c_w_id, c_d_id) references district;
alter table history add foreign key (h_c_w_id, h_c_d_id, h_c_id) references customer; alter table history add foreign key (h_w_id, h_d_id) references district;
alter table orders add foreign key (o_w_id, o_d_id, o_c_id) references customer; alter table new_order add foreign key (no_w_id, no_d_id, no_o_id) references orders;
alter table order_line add foreign key (ol_w_id, ol_d_id, ol_o_id) references orders; alter table order_line add foreign key (ol_supply_w_id, ol_i_id) references stock;
alter table stock add foreign key (s_w_id) references warehouse; alter table stock add foreign key (s_i_id) references item;
create index customer_by_name on customer (c_w_id, c_d_id, c_last, c_first); create unique index orders_by_customer on orders (o_w_id, o_d_id, o_c_id, o_id);`,
  transactions: [
    'select place_order($1)',
    'select pay($1)',
    'select place_order($1)',
    'select pay($1)',
    'select deliver($1)',
  ],
};
