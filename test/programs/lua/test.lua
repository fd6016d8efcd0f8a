-- SPDX-License-Identifier: Apache-2.0
-- What people do with Lua, with output that is the same everywhere.
print(_VERSION, #arg, arg[1], os.getenv("GREETING"))

-- errors: nested, with handlers, through C and Lua, out of coroutines
print(pcall(error, { 1 }) , select(2, pcall(error, "plain", 0)))
print(pcall(function() local t; return t.x end))
print(xpcall(function() error("deep") end, function(m) return "handled: " .. m end))
print(select(2, pcall(string.rep, "x", -1)), pcall(string.rep))
local function nest(n) if n == 0 then error("bottom", 0) end return (select(2, pcall(nest, n - 1))) .. n end
print(pcall(nest, 20))
print(select("#", pcall(table.sort, { 3, 1, 2, 5, 4 }, function() error("in sort") end)))
local co = coroutine.wrap(function(a) local b = coroutine.yield(a + 1); error("in co " .. b) end)
print(co(1), pcall(co, 5))
print(pcall(function() local t = setmetatable({}, { __close = function() print("closed") end }); local x <close> = t; error("x", 0) end))
local function runaway() return 1 + runaway() end
print((select(2, pcall(runaway)):gsub("\n.*", "")))

-- numbers and text
print(7 // 2, -7 // 2, 7 % -3, 2 ^ 0.5, 1e15, 0x10p2, math.maxinteger, 3 | 4, 1 << 62, 10 / 2)
print(string.format("%5.2f|%-8s|%08x|%q", math.pi, "left", 48879, 'a "quoted"\n\0 string'))
print(("the quick brown fox"):gsub("%w+", function(w) return w:sub(1, 1):upper() .. w:sub(2) end))
print(("k1=v1, k2=v2"):match("(%w+)=(%w+), (%w+)=(%w+)"))
print(utf8.char(72, 228, 8364, 128512), utf8.len("Hä€😀"), #"Hä€😀")
print(string.pack("<i4z", 7, "abc"):byte(1, -1))

-- tables, closures, garbage
local t = {}
for i = 1, 1000 do t[i] = (i * 7919) % 1009 end
table.sort(t)
print(t[1], t[500], t[1000], table.concat({ table.unpack(t, 1, 5) }, ","))
local sum = 0
for _ = 1, 50 do local big = {}; for i = 1, 1000 do big[i] = { i } end; sum = sum + #big end
collectgarbage()
print(sum, collectgarbage("count") < 2000)
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
print(fib(22))

-- files
local f = assert(io.open("/data/out.txt", "w"))
for i = 1, 100 do f:write("line ", i, "\n") end
f:close()
local n = 0
for line in io.lines("/data/out.txt") do n = n + #line end
print(n, io.open("/data/none.txt"))
f = io.open("/data/out.txt", "r+"); f:seek("set", 5); f:write("ONE"); f:seek("end", -4); print(f:read("a")); f:close()
print(os.rename("/data/out.txt", "/data/new.txt"), os.remove("/data/new.txt"), (os.remove("/data/new.txt")))
for l in io.lines("/data/in.txt") do print("in: " .. l) end
print(io.read("n", "l", "a"))
print(os.time({ year = 2024, month = 2, day = 29, hour = 12 }), os.date("!%Y-%m-%d", 86400 * 365))
io.stderr:write("to stderr\n")
os.exit(7)
