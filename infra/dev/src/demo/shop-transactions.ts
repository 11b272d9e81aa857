/**
 * The writers' transactions, as functions at the source in a schema that is not mirrored. Each call is one transaction; `step` picks one as
 * a shop would see them. Products are locked in the order of their keys, so that two orders never wait for each other in a circle.
 */
export const SHOP_TRANSACTIONS = `
create schema if not exists shop_demo;

create or replace function shop_demo.place_order() returns void language plpgsql as $$
declare
  v_order bigint;
begin
  insert into orders (customer_id, shipping_address)
  select id, jsonb_build_object('city', 'City ' || id % 90, 'express', random() < 0.2) from customers
  where id >= (select 1 + floor(random() * max(id)) from customers) order by id limit 1
  returning id into v_order;
  insert into order_lines (order_id, line_no, product_id, quantity, unit_price)
  select v_order, row_number() over (order by p.id), p.id, 1 + floor(random() * 3)::int, p.price
  from (select distinct 1 + floor(random() * 4000)::int as id from generate_series(1, 1 + floor(random() * 4)::int)) as pick
  join products p using (id);
  perform from products where id in (select product_id from order_lines where order_id = v_order) order by id for update;
  update products p set stock = case when p.stock < 10 then 500 else p.stock - l.quantity end
  from order_lines l where l.order_id = v_order and l.product_id = p.id;
  update orders set total = (select coalesce(sum(amount), 0) from order_lines where order_id = v_order) where id = v_order;
  if random() < 0.7 then
    insert into payments (order_id, method, amount, details)
    select id, (array['card', 'transfer', 'wallet', 'invoice']::payment_method[])[1 + floor(random() * 4)::int], total,
      jsonb_build_object('reference', md5(random()::text)) from orders where id = v_order;
    update orders set status = 'paid' where id = v_order;
  end if;
end $$;

create or replace function shop_demo.advance_order() returns void language sql as $$
  update orders set
    status = case status when 'new' then 'paid' when 'paid' then 'packed' when 'packed' then 'shipped' else 'delivered' end::order_status,
    shipped_at = case when status = 'packed' then now() else shipped_at end
  where id = (select id from orders where status in ('new', 'paid', 'packed', 'shipped')
    and id >= (select floor(random() * max(id)) from orders) order by id limit 1 for update skip locked)
$$;

create or replace function shop_demo.sign_up() returns void language sql as $$
  insert into customers (email, full_name, country, preferences)
  values (format('new-%s@shop.example', gen_random_uuid()), 'New Customer', 'DE', '{"newsletter": true}')
$$;

create or replace function shop_demo.change_preferences() returns void language sql as $$
  update customers set preferences = preferences || jsonb_build_object('seen_at', now()), loyalty_points = loyalty_points + 1
  where id = (select id from customers where id >= (select floor(random() * max(id)) from customers) order by id limit 1)
$$;

create or replace function shop_demo.change_price() returns void language sql as $$
  update products set price = round(price * (0.95 + random()::numeric * 0.1), 2) + 0.01
  where id = 1 + floor(random() * 4000)::int
$$;

create or replace function shop_demo.cancel_order() returns void language plpgsql as $$
declare
  v_order bigint;
begin
  select id into v_order from orders where status in ('new', 'paid')
    and id >= (select floor(random() * max(id)) from orders) order by id limit 1 for update skip locked;
  if v_order is null then return; end if;
  delete from order_lines where order_id = v_order;
  if random() < 0.5 then
    delete from payments where order_id = v_order;
    delete from orders where id = v_order;
  else
    update payments set refunded_at = now() where order_id = v_order;
    update orders set status = 'cancelled', total = 0 where id = v_order;
  end if;
end $$;

create or replace function shop_demo.step() returns void language plpgsql as $$
declare
  v_choice double precision := random();
begin
  if v_choice < 0.35 then perform shop_demo.place_order();
  elsif v_choice < 0.65 then perform shop_demo.advance_order();
  elsif v_choice < 0.75 then perform shop_demo.sign_up();
  elsif v_choice < 0.85 then perform shop_demo.change_preferences();
  elsif v_choice < 0.95 then perform shop_demo.change_price();
  else perform shop_demo.cancel_order();
  end if;
end $$;
`;
