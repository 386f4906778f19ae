-- What would stay with a table that changes places; each part is a case of test_swapped_tables.py, named by how it is told.

-- case: materialized view shop.sums
CREATE MATERIALIZED VIEW shop.sums AS SELECT sum(total) FROM shop.orders;

-- case: function shop.of(shop.orders)
CREATE FUNCTION shop.of(shop.orders) RETURNS int LANGUAGE sql AS 'SELECT 1';

-- case: publication of table shop.orders in publication others
CREATE PUBLICATION others FOR TABLE shop.orders;

-- case: rule none on table shop.orders
CREATE RULE none AS ON DELETE TO shop.orders DO INSTEAD NOTHING;

-- case: table shop.kept
CREATE TABLE shop.kept (was shop.orders);

-- case: children of table shop.orders
CREATE TABLE shop.more () INHERITS (shop.orders);

-- case: partitions or children of table shop.orders
DROP TABLE shop.orders;
CREATE TABLE shop.orders (id uuid PRIMARY KEY) PARTITION BY HASH (id);
