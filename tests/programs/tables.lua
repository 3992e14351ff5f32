-- Big tables and garbage: the heap grows, is torn down and grows again, with weak tables, metatables and finalizers in between.
local size = tonumber(arg and arg[1]) or 1
local scale = tonumber(arg and arg[2]) or 1
local large, middle = 150000 * scale // 1, 60000 * scale // 1

local random_state = 42
local function random(n)
    random_state = (random_state * 1103515245 + 12345) % 2147483648
    return random_state // 65536 % n
end

local finalized = 0
local mortal = { __gc = function() finalized = finalized + 1 end }
local Vector = {}
Vector.__index = Vector
Vector.__add = function(a, b) return setmetatable({ x = a.x + b.x, y = a.y + b.y }, Vector) end
Vector.__eq = function(a, b) return a.x == b.x and a.y == b.y end

local kept = {}
for round = 1, 8 * size do
    -- a large array part, shuffled and summed
    local array = {}
    for i = 1, large do array[i] = i end
    for i = #array, 2, -1 do
        local j = random(i) + 1
        array[i], array[j] = array[j], array[i]
    end
    local digest = 0
    for i = 1, #array, 7 do digest = (digest * 31 + array[i]) % 1000000007 end

    -- a hash part with string keys, half of them removed again
    local hash = {}
    for i = 1, middle do hash["key" .. i] = { i, tostring(i) } end
    for i = 1, middle, 2 do hash["key" .. i] = nil end
    local found = 0
    for i = 1, middle do
        local entry = hash["key" .. i]
        if entry then found = found + entry[1] + #entry[2] end
    end

    -- small objects with a metatable, all garbage at once
    local at = setmetatable({ x = 0, y = 0 }, Vector)
    local step = setmetatable({ x = 1, y = 2 }, Vector)
    for _ = 1, large do at = at + step end

    -- weak keys and finalizers
    local weak = setmetatable({}, { __mode = "k" })
    for i = 1, 5000 do weak[setmetatable({}, mortal)] = i end
    collectgarbage()
    local alive = 0
    for _ in pairs(weak) do alive = alive + 1 end

    -- what stays grows slowly
    kept[round] = { array[1], array[2], hash, round }
    if round > 3 then kept[round - 3] = nil end
    if round % 4 == 0 then collectgarbage("generational") elseif round % 4 == 2 then collectgarbage("incremental") end
    print(string.format("round %d: digest %d, found %d, at %d/%d, alive %d, finalized %d", round, digest, found, at.x, at.y, alive, finalized))
end
