const CUSTOMERS = 15_000;
const PRODUCTS = 4_000;
const ORDERS = 42_000;

/**
 * About 200,000 rows, made by the server set by set in a few seconds, and the same ones every time. Every tenth product has a description
 * that is long and hard to compress, so that TOAST takes part.
 */
export const SHOP_ROWS = `
select setseed(0.42);

insert into customers (email, full_name, country, preferences, loyalty_points, created_at)
select format('customer%s@shop.example', i),
  (array['Ada', 'Björn', 'Chloé', 'Dmitri', 'Elif', 'Farid', 'Grace', 'Hiroko'])[1 + i % 8] || ' ' ||
  (array['Okafor', 'Müller', 'Núñez', 'O''Brien', 'Kowalska', 'Sato', 'Haddad'])[1 + i % 7] || ' ' || i,
  (array['DE', 'FR', 'US', 'JP', 'BR', 'NG'])[1 + floor(random() * 6)::int],
  jsonb_build_object('newsletter', random() < 0.4, 'language', (array['de', 'en', 'fr', 'ja'])[1 + i % 4],
    'sizes', jsonb_build_array(36 + i % 10, 'M')),
  floor(random() * 500),
  now() - random() * interval '900 days'
from generate_series(1, ${CUSTOMERS}) as i;

insert into products (sku, title, description, price, tax_rate, stock, tags, attributes)
select format('SKU-%s', lpad(i::text, 6, '0')),
  (array['Lamp', 'Chair', 'Kettle', 'Scarf', 'Notebook', 'Bicycle'])[1 + i % 6] || ' no. ' || i,
  case when i % 10 = 0
    then (select string_agg(md5(i::text || '/' || n), ' ') from generate_series(1, 150) as n)
    else 'A good thing to have, in ' || (1 + i % 5) || E' colours.\\nWith a "guarantee".' end,
  (5 + random() * 400)::numeric(10,2),
  (array[0.190, 0.070, 0.000])[1 + i % 3],
  floor(100 + random() * 900),
  array['all', (array['home', 'garden', 'office'])[1 + i % 3]],
  jsonb_build_object('weight_g', floor(random() * 5000), 'colour', (array['red', 'blue', null])[1 + i % 3])
from generate_series(1, ${PRODUCTS}) as i;

insert into orders (customer_id, status, placed_at, shipping_address, note)
select 1 + floor(random() * ${CUSTOMERS})::int,
  (array['delivered', 'delivered', 'delivered', 'shipped', 'packed', 'paid', 'new', 'cancelled']::order_status[])[1 + i % 8],
  now() - (${ORDERS} - i) * interval '10 minutes',
  jsonb_build_object('street', 'Street ' || i % 700, 'city', 'City ' || i % 90, 'zip', lpad((i % 99999)::text, 5, '0')),
  case when i % 25 = 0 then 'please ring twice' end
from generate_series(1, ${ORDERS}) as i;

insert into order_lines (order_id, line_no, product_id, quantity, unit_price)
select o.id, n, p.id, 1 + floor(random() * 4)::int, p.price
from orders o
cross join lateral generate_series(1, (1 + o.id % 4)::int) as n
join products p on p.id = 1 + (o.id * 7919 + n * 104729) % ${PRODUCTS};

update orders o set total = l.total, shipped_at = case when o.status in ('shipped', 'delivered') then o.placed_at + interval '2 days' end
from (select order_id, sum(amount) as total from order_lines group by order_id) as l
where l.order_id = o.id;

insert into payments (order_id, method, amount, details, paid_at, refunded_at)
select id, (array['card', 'transfer', 'wallet', 'invoice']::payment_method[])[1 + id % 4], total,
  jsonb_build_object('reference', md5(id::text), 'tries', 1 + id % 2),
  placed_at + interval '5 minutes', case when status = 'cancelled' then placed_at + interval '1 day' end
from orders where status <> 'new';
`;
