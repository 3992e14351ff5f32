-- Closures and coroutines: state in upvalues, in suspended coroutines and on the C stack (pcall, sort and gsub call back).
local size = tonumber(arg and arg[1]) or 1

local function counter(start, step)
    local value = start
    return function(by) value = (value * step + (by or 1)) % 1000003; return value end
end

local function permutations(list, n)
    if n == 0 then
        coroutine.yield(list)
    else
        for i = 1, n do
            list[n], list[i] = list[i], list[n]
            permutations(list, n - 1)
            list[n], list[i] = list[i], list[n]
        end
    end
end

local function sieve(limit)
    local source = coroutine.wrap(function() for n = 2, limit do coroutine.yield(n) end end)
    local function filter(prime, from)
        return coroutine.wrap(function()
            while true do
                local n = from()
                if n == nil then return nil end
                if n % prime ~= 0 then coroutine.yield(n) end
            end
        end)
    end
    return coroutine.wrap(function()
        while true do
            local prime = source()
            if prime == nil then return end
            coroutine.yield(prime)
            if prime < 60 then source = filter(prime, source) end
        end
    end)
end

local function tree(depth) return depth == 0 and {} or { tree(depth - 1), tree(depth - 1) } end
local function leaves(node, path)
    if node[1] == nil then coroutine.yield(path) return end
    leaves(node[1], path * 2)
    leaves(node[2], path * 2 + 1)
end

local function ackermann(m, n)
    if m == 0 then return n + 1 end
    if n == 0 then return ackermann(m - 1, 1) end
    return ackermann(m - 1, ackermann(m, n - 1))
end

local total = 0
for round = 1, 6 * size do
    local counters = {}
    for i = 1, 50 do counters[i] = counter(i, 7 + i % 5) end
    local sum = 0
    for i = 1, 200000 do sum = (sum + counters[i % 50 + 1](i)) % 1000000007 end

    local count, digest = 0, 0
    for list in coroutine.wrap(function() permutations({ 1, 2, 3, 4, 5, 6, 7, 8 }, 8) end) do
        count = count + 1
        digest = (digest * 31 + list[1] * 8 + list[5]) % 1000000007
    end

    local primes = 0
    for prime in sieve(12000) do primes = primes + prime end

    local fringe = 0
    for path in coroutine.wrap(function() leaves(tree(14), 1) end) do fringe = (fringe * 3 + path) % 1000000007 end

    local caught = 0
    for i = 1, 5000 do
        local ok, message = pcall(function() if i % 3 == 0 then error({ code = i }) end return i end)
        caught = caught + (ok and 1 or message.code)
    end

    local words = {}
    for i = 1, 3000 do words[i] = (i * 7919) % 3001 end
    table.sort(words, function(a, b) return a % 100 == b % 100 and a < b or a % 100 < b % 100 end)

    total = (total + sum + digest + primes + fringe + caught + words[17] + ackermann(2, 300)) % 1000000007
    print(string.format("round %d: sum %d, %d permutations %d, primes %d, fringe %d, caught %d, total %d", round, sum, count, digest, primes,
        fringe, caught, total))
end
