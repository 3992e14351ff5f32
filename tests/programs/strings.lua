-- Strings and file output: patterns, formatting, buffers, and two files written line by line and read back.
local size = tonumber(arg and arg[1]) or 1
local words = {}
for word in ("the quick brown fox jumps over the lazy dog while seven wizards brew potions of considerable strength"):gmatch("%a+") do
    words[#words + 1] = word
end

local seed = 7
local function random(n)
    seed = (seed * 16807) % 2147483647
    return seed % n + 1
end

local function sentence()
    local parts = {}
    for i = 1, 5 + random(10) do parts[i] = words[random(#words)] end
    return (table.concat(parts, " "):gsub("^%l", string.upper)) .. "."
end

local text = assert(io.open("text.txt", "w"))
local index = assert(io.open("index.txt", "w"))
index:setvbuf("line")
local counts, checksum = {}, 0
for line_number = 1, 45000 * size do
    local line = sentence()
    text:write(string.format("%06d %s\n", line_number, line))
    for word in line:lower():gmatch("%w+") do counts[word] = (counts[word] or 0) + 1 end
    local packed = string.pack("<I4s2", line_number, line)
    local number, back = string.unpack("<I4s2", packed)
    assert(number == line_number and back == line)
    checksum = (checksum * 33 + #line:gsub("[aeiou]", "%0%0") + line:byte(random(#line))) % 4294967296
    if line_number % 500 == 0 then
        index:write(line_number, " ", string.format("%08x", checksum), " ", line:rep(2, "|"):reverse():sub(1, 40), "\n")
    end
    if line_number % 9000 == 0 then
        text:flush()
        print(string.format("%d lines, checksum %08x", line_number, checksum))
    end
end
text:close()
index:close()

local bytes, lines = 0, 0
for line in io.lines("text.txt") do
    bytes = bytes + #line + 1
    lines = lines + 1
    assert(tonumber(line:match("^(%d+) %u%l")) == lines)
end
local names = {}
for word in pairs(counts) do names[#names + 1] = word end
table.sort(names)
for _, word in ipairs(names) do print(word, counts[word]) end
print(string.format("%d bytes in %d lines, checksum %08x", bytes, lines, checksum))
