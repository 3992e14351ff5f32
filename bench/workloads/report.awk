# report.awk - what an awk is asked for: words counted, fields summed, lines taken apart and put together. mawk -v lines=N -f report.awk
function random(n) { seed = (seed * 16807) % 2147483647; return seed % n }
function digest(text,  i, sum) {
    for (i = 1; i <= length(text); i += 3) sum = (sum * 31 + index(alphabet, substr(text, i, 1))) % 1000003
    return sum
}
function hanoi(n, from, to, by) { return n == 0 ? 0 : hanoi(n - 1, from, by, to) + 1 + hanoi(n - 1, by, to, from) }
BEGIN {
    seed = 4711
    alphabet = "abcdefghijklmnopqrstuvwxyz 0123456789:,-"
    count = split("north south east west red green blue alpha beta gamma delta one two three four five six seven", word, " ")
    for (line = 1; line <= lines; line++) {
        text = sprintf("%05d,%s-%s:%d", line, word[random(count) + 1], word[random(count) + 1], random(10000))
        for (i = 0; i < 4; i++) text = text " " word[random(count) + 1]
        n = split(text, part, /[ ,:-]/)
        for (i = 2; i <= n; i++) seen[part[i]]++
        pair[part[2], part[3]] += part[4]
        gsub(/e+/, "E", text)
        if (text ~ /(north|south).*(rEd|bluE)/) matched++
        sum = (sum * 7 + digest(tolower(text))) % 1000003
        kept[line % 1000] = substr(text, 7) kept[(line * 7) % 1000]
        if (length(kept[line % 1000]) > 400) kept[line % 1000] = substr(kept[line % 1000], 200, 100)
    }
    for (i = 1; i <= count; i++) {
        printf "%s %d", word[i], seen[word[i]]
        for (j = 1; j <= count; j++) printf " %d", pair[word[i], word[j]]
        print ""
    }
    for (i = 0; i < 1000; i += 50) print kept[i]
    print matched, sum, hanoi(lines > 50000 ? 16 : 12, "a", "b", "c")
}
