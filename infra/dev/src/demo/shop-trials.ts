import type { Trial } from '../next-steps.js';

/** What a person may paste while the shop is written to; each may be pasted again. */
export const SHOP_TRIALS: readonly Trial[] = [
  {
    what: 'Change a row',
    change: `update customers set full_name = 'Grace Hopper' where id = 1`,
    look: 'select id, full_name, search_name from customers where id = 1',
  },
  {
    what: 'Change a table',
    change: `alter table customers add column if not exists nickname text default 'none'; update customers set nickname = 'Amazing Grace' where id = 1`,
    look: 'select id, full_name, nickname from customers where id in (1, 2)',
  },
];
