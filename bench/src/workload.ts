/** One drain workload: what exists before, and the changes that are drained. */
export interface Workload {
  readonly name: string;
  readonly title: string;
  readonly tables: readonly string[];
  /** Rows each side starts with; the same SQL runs once, the destination gets a copy. */
  readonly setup: (scale: number) => string;
  /** Writes about `rows` changes, committing as the workload says; runs in a session of its own. */
  readonly generate: (rows: number, scale: number) => readonly string[];
}

const W1: Workload = {
  name: 'w1',
  title: 'inserts, one table, narrow, 100 per transaction',
  tables: ['w1'],
  setup: () => `create table w1 (id bigint primary key, a integer not null, b text)`,
  generate: (rows) => [
    `do $$ begin
       for i in 0..${Math.ceil(rows / 100) - 1} loop
         insert into w1 select i * 100::bigint + k, k, 'value ' || i * 100::bigint + k from generate_series(1, 100) k;
         commit;
       end loop;
     end $$`,
  ],
};

const PGBENCH_TABLES = [
  'pgbench_branches',
  'pgbench_tellers',
  'pgbench_accounts',
  'pgbench_history',
];

/** pgbench's own schema and initial rows at this scale, made in SQL so that pgbench itself is not needed. */
const pgbenchSetup = (scale: number): string => `
  create table pgbench_branches (bid integer primary key, bbalance integer, filler char(88));
  create table pgbench_tellers (tid integer primary key, bid integer, tbalance integer, filler char(84));
  create table pgbench_accounts (aid integer primary key, bid integer, abalance integer, filler char(84));
  create table pgbench_history (tid integer, bid integer, aid integer, delta integer, mtime timestamp, filler char(22));
  insert into pgbench_branches (bid, bbalance) select i, 0 from generate_series(1, ${scale}) i;
  insert into pgbench_tellers (tid, bid, tbalance) select i, (i - 1) / 10 + 1, 0 from generate_series(1, ${scale * 10}) i;
  insert into pgbench_accounts (aid, bid, abalance, filler)
    select i, (i - 1) / 100000 + 1, 0, '' from generate_series(1, ${scale * 100_000}) i
  `;

/** pgbench's transaction; `simple` is `pgbench -N` (no tellers and branches). */
const pgbenchLoop = (rows: number, scale: number, simple: boolean): string => `
  do $$
  declare
    v_aid integer; v_bid integer; v_tid integer; v_delta integer; v_balance integer;
  begin
    for i in 1..${Math.ceil(rows / (simple ? 2 : 4))} loop
      v_aid := 1 + floor(random() * ${scale * 100_000});
      v_bid := 1 + floor(random() * ${scale});
      v_tid := 1 + floor(random() * ${scale * 10});
      v_delta := floor(random() * 10001) - 5000;
      update pgbench_accounts set abalance = abalance + v_delta where aid = v_aid;
      select abalance into v_balance from pgbench_accounts where aid = v_aid;
      ${
        simple
          ? ''
          : `update pgbench_tellers set tbalance = tbalance + v_delta where tid = v_tid;
      update pgbench_branches set bbalance = bbalance + v_delta where bid = v_bid;`
      }
      insert into pgbench_history (tid, bid, aid, delta, mtime)
        values (v_tid, v_bid, v_aid, v_delta, clock_timestamp());
      commit;
    end loop;
  end $$`;

const W2N: Workload = {
  name: 'w2n',
  title: 'pgbench -N',
  tables: PGBENCH_TABLES,
  setup: pgbenchSetup,
  generate: (rows, scale) => [pgbenchLoop(rows, scale, true)],
};

const W2: Workload = {
  name: 'w2',
  title: 'pgbench TPC-B',
  tables: PGBENCH_TABLES,
  setup: pgbenchSetup,
  generate: (rows, scale) => [pgbenchLoop(rows, scale, false)],
};

const W3: Workload = {
  name: 'w3',
  title: 'updates by key over 1 M rows, 50 per transaction',
  tables: ['w3'],
  setup: () => `
    create table w3 (id integer primary key, a integer not null, b text, c timestamptz not null default now());
    insert into w3 select i, 0, 'value ' || i, '2024-01-01' from generate_series(1, 1000000) i
    `,
  generate: (rows) => [
    `do $$ begin
       for i in 1..${Math.ceil(rows / 50)} loop
         update w3 set a = a + 1, c = clock_timestamp()
           where id = any (array(select 1 + floor(random() * 1000000)::integer from generate_series(1, 50)));
         commit;
       end loop;
     end $$`,
  ],
};

const W4: Workload = {
  name: 'w4',
  title: '60/30/10 insert/update/delete, 4 tables with foreign keys',
  tables: ['customer', 'orders', 'order_line', 'payment'],
  setup: () => `
    create table customer (id bigint primary key, name text not null, city text, balance numeric(12,2) not null default 0);
    create table orders (id bigint primary key, customer_id bigint not null references customer (id),
      status text not null, placed_at timestamptz not null default now());
    create table order_line (order_id bigint not null references orders (id), line_no integer not null,
      product integer not null, quantity integer not null, price numeric(10,2) not null, primary key (order_id, line_no));
    create table payment (id bigint primary key, order_id bigint not null references orders (id), amount numeric(10,2) not null,
      paid_at timestamptz not null default now());
    create index on orders (customer_id);
    create index on payment (order_id);
    insert into customer select i, 'customer ' || i, 'city ' || i % 100 from generate_series(1, 100000) i;
    insert into orders select i, 1 + i % 100000, 'open', '2024-01-01' from generate_series(1, 100000) i;
    insert into order_line select i, k, k * 7, 1, 9.99 from generate_series(1, 100000) i, generate_series(1, 2) k;
    insert into payment select i, i, 19.98, '2024-01-01' from generate_series(1, 100000) i
    `,
  generate: (rows) => [W4_LOOP(rows)],
};

/** Twenty changes a turn: 12 inserts, 6 updates, 2 deletes; four turns a transaction. */
const W4_LOOP = (rows: number): string => `
  do $$
  declare
    v_order bigint; v_customer bigint; v_old bigint := 0;
  begin
    for i in 1..${Math.ceil(rows / 20)} loop
      for k in 0..1 loop
        v_order := 100000 + i * 2 + k;
        v_customer := 1 + floor(random() * 100000);
        insert into orders values (v_order, v_customer, 'open');
        insert into order_line select v_order, l, l * 7, 1 + l, 9.99 * l from generate_series(1, 4) l;
        insert into payment values (v_order, v_order, 99.90);
        update customer set balance = balance + 99.90 where id = v_customer;
        update orders set status = 'paid' where id = v_order;
        update order_line set quantity = quantity + 1 where order_id = v_order and line_no = 1;
      end loop;
      v_old := v_old + 1;
      delete from payment where id = v_old;
      delete from order_line where order_id = v_old and line_no = 2;
      if i % 4 = 0 then commit; end if;
    end loop;
    commit;
  end $$`;

export const WORKLOADS: readonly Workload[] = [W1, W2N, W2, W3, W4];
