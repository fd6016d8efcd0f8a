/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lua (Debian's source) runs a script: tables, strings, closures, a sort and integer arithmetic. Only the libraries
 * that need no system are there; a script that fails stops the program, so that no longjmp is needed.
 */
#include "bench/engine/kernel.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

static const char script[] =
        "local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end\n"
        "local function sieve(n)\n"
        "  local flags, count = {}, 0\n"
        "  for i = 2, n do flags[i] = true end\n"
        "  for i = 2, n do\n"
        "    if flags[i] then count = count + 1; for k = i * i, n, i do flags[k] = false end end\n"
        "  end\n"
        "  return count\n"
        "end\n"
        "local function words(n)\n"
        "  local seen, list, state = {}, {}, 7\n"
        "  for i = 1, n do\n"
        "    state = (state * 1103515245 + 12345) & 0x7fffffff\n"
        "    local w = 'w' .. (state >> 16) % 500\n"
        "    if not seen[w] then seen[w] = 0; list[#list + 1] = w end\n"
        "    seen[w] = seen[w] + 1\n"
        "  end\n"
        "  table.sort(list, function(a, b) return seen[a] > seen[b] or seen[a] == seen[b] and a < b end)\n"
        "  local text = table.concat(list, ' ')\n"
        "  local hash = 0\n"
        "  for w in text:gmatch('%w+') do hash = (hash * 31 + #w + seen[w]) & 0xffffffff end\n"
        "  return hash + #text:gsub('1', 'one')\n"
        "end\n"
        "local function account()\n"
        "  local methods = {}\n"
        "  methods.__index = methods\n"
        "  function methods:add(v) self.sum = self.sum + v; return self end\n"
        "  return setmetatable({sum = 0}, methods)\n"
        "end\n"
        "local a = account()\n"
        "for i = 1, 20000 do a:add(i % 7) end\n"
        "return (fib(20) * 31 + sieve(20000) * 17 + words(5000) + a.sum) & 0xffffffff\n";

static const luaL_Reg libraries[] = {
        {LUA_GNAME, luaopen_base}, {LUA_TABLIBNAME, luaopen_table}, {LUA_STRLIBNAME, luaopen_string}, {NULL, NULL}};

uint32_t kernel(uint32_t n)
{
	uint32_t sum = 0;

	while (n-- > 0) {
		lua_State *L = luaL_newstate();

		for (const luaL_Reg *l = libraries; l->func != NULL; l++) {
			luaL_requiref(L, l->name, l->func, 1);
			lua_pop(L, 1);
		}
		if (luaL_loadstring(L, script) != LUA_OK)
			return 0;
		lua_call(L, 0, 1);
		sum = sum * 31 + (uint32_t)lua_tointeger(L, -1);
		lua_close(L);
	}
	return sum;
}
