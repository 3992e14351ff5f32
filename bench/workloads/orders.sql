-- orders.sql - a small shop in memory: rows inserted, indexed, joined, updated and deleted. The shell is given the number of orders first:
--   sqlite3 :memory: "CREATE TABLE scale(orders INTEGER); INSERT INTO scale VALUES(100000);" ".read orders.sql"
CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL, balance INTEGER NOT NULL);
CREATE TABLE product(id INTEGER PRIMARY KEY, name TEXT UNIQUE, price INTEGER NOT NULL, stock INTEGER NOT NULL);
CREATE TABLE purchase(id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customer, product INTEGER NOT NULL REFERENCES product,
    amount INTEGER NOT NULL, day INTEGER NOT NULL, note TEXT);

BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < (SELECT orders / 20 FROM scale))
    INSERT INTO customer SELECT i, printf('customer %06d', i * 7919 % 1000003), 'city ' || (i * 31 % 97), i * 13 % 5000 FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
    INSERT INTO product SELECT i, printf('product %x', i * 2654435761 % 4294967296), 100 + i * 37 % 900, 1000 FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < (SELECT orders FROM scale))
    INSERT INTO purchase SELECT i, 1 + i * 48271 % (SELECT orders / 20 FROM scale), 1 + i * 16807 % 2000, 1 + i % 7, i * 69621 % 3650,
        CASE WHEN i % 5 = 0 THEN 'note ' || i END FROM n;
COMMIT;

CREATE INDEX purchase_customer ON purchase(customer, day);
CREATE INDEX purchase_product ON purchase(product);
CREATE INDEX customer_city ON customer(city, name);
CREATE TRIGGER sold AFTER INSERT ON purchase BEGIN
    UPDATE product SET stock = stock - new.amount WHERE id = new.product;
END;

SELECT city, count(*), sum(amount * price) FROM purchase JOIN customer ON customer.id = customer JOIN product ON product.id = product
    GROUP BY city ORDER BY 3 DESC, 1 LIMIT 10;
SELECT product.name, total FROM (SELECT product, sum(amount) AS total FROM purchase WHERE day BETWEEN 400 AND 2400 GROUP BY product) AS sale
    JOIN product ON product.id = sale.product ORDER BY total DESC, product.name LIMIT 10;
SELECT count(*), sum(length(name)) FROM customer WHERE name LIKE '%7%' AND EXISTS (SELECT 1 FROM purchase WHERE customer = customer.id AND day < 50);
SELECT max(gap), count(gap) FROM (SELECT day - lag(day) OVER (PARTITION BY customer ORDER BY day, id) AS gap FROM purchase);

BEGIN;
UPDATE customer SET balance = balance + (SELECT coalesce(sum(amount), 0) FROM purchase WHERE customer = customer.id);
UPDATE purchase SET note = upper(coalesce(note, 'none')) || '/' || day WHERE day % 3 = 0;
DELETE FROM purchase WHERE day % 10 = 7;
INSERT INTO purchase(customer, product, amount, day, note) SELECT customer, 1 + product * 7 % 2000, amount + 1, day + 3650, 'again' FROM purchase WHERE day % 4 = 1;
COMMIT;

SELECT count(*), sum(amount), sum(day), sum(length(note)) FROM purchase;
SELECT sum(balance * id % 1000003) FROM customer;
SELECT sum(stock * id % 1000003), min(stock) FROM product;
SELECT note, count(*) FROM purchase GROUP BY substr(note, 1, 6) ORDER BY 2 DESC, 1 LIMIT 10;
PRAGMA integrity_check;
