import { PGBENCH_SCHEMA, PGBENCH_TABLES, pgbenchRows } from '../pgbench.js';
import type { RealSchema } from './real-schema.js';

/** pgbench's own tables and transaction, with the foreign keys that `pgbench -i --foreign-keys` makes. */
export const BANK_BRANCHES: RealSchema = {
  name: 'pgbench',
  tables: PGBENCH_TABLES,
  schema: `${PGBENCH_SCHEMA}
create function bank(pick float) returns void language plpgsql as $$
declare change int := (pick * 10001)::int - 5000; account int := 1 + (pick * 99999)::int; teller int := 1 + (pick * 7919)::int % 10; begin
  update pgbench_accounts set abalance = abalance + change where aid = account;
  update pgbench_tellers set tbalance = tbalance + change where tid = teller;
  update pgbench_branches set bbalance = bbalance + change where bid = 1;
  insert into pgbench_history (tid, bid, aid, delta, mtime) values (teller, 1, account, change, current_timestamp);
end $$;`,
  rows: pgbenchRows(1),
  constraints: `
alter table pgbench_tellers add foreign key (bid) references pgbench_branches; alter table pgbench_accounts add foreign key (bid) references pgbench_branches;
alter table pgbench_history add foreign key (bid) references pgbench_branches; alter table pgbench_history add foreign key (tid) references pgbench_tellers;
alter table pgbench_history add foreign key (aid) references pgbench_accounts;`,
  transactions: ['select bank($1)'],
};
