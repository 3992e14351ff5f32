-- An in-memory database: everything that changes is the heap.
create table t(a integer primary key, b text, c real);
with recursive n(x) as (select 1 union all select x + 1 from n where x < 150000) insert into t select x, printf('%08x', x * 2654435761 % 4294967296), x * 1.5 from n;
create index i on t(b);
select count(*), sum(c) from t;
update t set c = c + 1 where a % 3 = 0;
select sum(c), max(length(b)) from t where b between '4' and '9';
delete from t where a % 7 = 0;
insert into t(b, c) select b || b, c from t where a % 5 = 0;
select count(*), max(b) from t;
create table u as select substr(b, 1, 2) k, count(*) n, avg(c) m from t group by 1 order by 1;
select count(*), sum(n), round(sum(m), 3) from u;
