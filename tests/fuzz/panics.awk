# Which edges lead into a panic and nowhere else: checks of sums, places and promises, which never fail in a correct
# program. Reads, one behind the other: nm, readelf -rW (of a program that calls std by slots), the places of edges in
# hexadecimal, objdump -d --no-show-raw-insn. Prints those places.

function short(number) {
    sub(/^0+/, "", number)
    return number
}

FNR == 1 { file++ }

file == 1 && $3 ~ /panicking|unwrap_failed|expect_failed|_fail|assert_failed|handle_error|handle_alloc_error|already_borrowed|capacity_overflow/ {
    panics[short($1)] = 1
}

file == 2 && $3 == "R_X86_64_RELATIVE" && $4 in panics {
    slots[short($1)] = 1
}

file == 3 { places[$1] = 1 }

# From an edge's place to the first jump or call.
file == 4 && /^ *[0-9a-f]+:/ {
    at = substr($1, 1, length($1) - 1)
    if (at in places) place = at
    if (place == "") next
    if ($2 == "call") {
        if (/rip/ ? $(NF - 1) in slots : $3 in panics) print place
        place = ""
    } else if ($2 ~ /^(j|ret|ud2)/) {
        place = ""
    }
}
