/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite (Debian's source) on a database in memory: a table with an index is filled in a transaction, joined, grouped,
 * sorted, changed and searched. It has a file system in name only, which opens nothing, knows no time and has always
 * the same random bytes.
 */
#include "bench/engine/kernel.h"

#include <sqlite3.h>

static int opens_nothing(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
	(void)v, (void)name, (void)flags, (void)out;
	f->pMethods = NULL;
	return SQLITE_CANTOPEN;
}

static int same_path(sqlite3_vfs *v, const char *name, int size, char *out)
{
	(void)v;
	sqlite3_snprintf(size, out, "%s", name);
	return SQLITE_OK;
}

static int same_bytes(sqlite3_vfs *v, int size, char *out)
{
	(void)v;
	memset(out, 7, (size_t)size);
	return size;
}

static int no_time(sqlite3_vfs *v, sqlite3_int64 *out)
{
	(void)v;
	*out = 0;
	return SQLITE_OK;
}

static sqlite3_vfs nothing = {
        .iVersion = 2,
        .szOsFile = sizeof(sqlite3_file),
        .mxPathname = 64,
        .zName = "nothing",
        .xOpen = opens_nothing,
        .xFullPathname = same_path,
        .xRandomness = same_bytes,
        .xCurrentTimeInt64 = no_time,
};

int sqlite3_os_init(void)
{
	return sqlite3_vfs_register(&nothing, 1);
}

int sqlite3_os_end(void)
{
	return SQLITE_OK;
}

static const char script[] =
        "create table part(id integer primary key, kind text, size integer, price real);"
        "create index part_kind on part(kind, size);"
        "create table stock(part integer, place integer, count integer, primary key(part, place)) without rowid;"
        "begin;"
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000)"
        " insert into part select i, 'kind ' || (i * 7919 % 37), i * 104729 % 1009, i * 17 % 101 / 4.0 from n;"
        "insert into stock select id, size % 5, size * 3 % 50 from part;"
        "insert or replace into stock select id, id % 3, 7 from part where id % 2 = 0;"
        "commit;"
        "update part set price = price * 1.5, kind = kind || '+' where size between 100 and 300;"
        "delete from stock where part in (select id from part where kind like '%3+');";

static const char question[] =
        "select kind, count(*), sum(price * count), max(size), group_concat(place, '') from part join stock on part = id"
        " where size > 20 group by kind having count(*) > 3 order by 3 desc, kind";

static uint32_t answer(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *s;
	uint32_t sum = 0;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		return 0;
	while (sqlite3_step(s) == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(s); i++)
			for (const unsigned char *p = sqlite3_column_text(s, i); p != NULL && *p != 0; p++)
				sum = sum * 31 + *p;
	return sqlite3_finalize(s) == SQLITE_OK ? sum : 0;
}

uint32_t kernel(uint32_t n)
{
	uint32_t sum = 0;

	while (n-- > 0) {
		sqlite3 *db;

		if (sqlite3_open(":memory:", &db) != SQLITE_OK || sqlite3_exec(db, script, NULL, NULL, NULL) != SQLITE_OK)
			return 0;
		sum = sum * 31 + answer(db, question) + answer(db, "pragma integrity_check");
		sqlite3_close(db);
	}
	return sum;
}
