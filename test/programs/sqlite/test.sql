.bail on
create table item(id integer primary key, name text, price real, data blob);
create index by_name on item(name);
begin;
with recursive n(x) as (select 1 union all select x + 1 from n where x < 5000)
insert into item select x, 'name ' || (x * 7919 % 5003), x / 3.0, zeroblob(x % 50) from n;
commit;
select count(*), sum(length(data)), round(avg(price), 6), min(name), max(name) from item;
select id, name from item where name between 'name 100' and 'name 102' order by name, id;
begin;
delete from item where id % 2 = 0;
select count(*) from item;
rollback;
select count(*) from item;
update item set name = upper(name) where id < 10;
select name, price from item where id in (1, 5, 9);
create trigger audit after delete on item begin insert into log values (old.id, 'deleted'); end;
create table log(id, what);
delete from item where id between 100 and 110;
select group_concat(id, '-') from log;
select id, sum(price) over (order by id rows between 1 preceding and 1 following) from item where id < 6;
select json_extract('{"a":[1,2,{"b":"c"}]}', '$.a[2].b');
vacuum;
pragma integrity_check;
pragma page_count;
.mode csv
select * from log limit 3;
.mode list
attach '/data/second.db' as second;
create table second.copy as select id, name from main.item where id < 1000;
select count(*), (select count(*) from main.item) from second.copy;
detach second;
.open /data/second.db
select count(*) from copy;
select * from no_such_table;
