#!/usr/bin/env bash
# Fuzzes every target, as many at a time as there are cores:
#   tests/fuzz/run.sh SECONDS [TARGET ..]        so long each
#   tests/fuzz/run.sh runs=NUMBER [TARGET ..]    so many executions each
#   tests/fuzz/run.sh keep [TARGET ..]           merges what they found into the committed corpora
#   tests/fuzz/run.sh summary [TARGET ..]        what the last runs came to
# Starts from the committed corpora; what it finds goes to target/fuzz/. Exits 1 if a
# promise was broken; the bytes that broke it are target/fuzz/TARGET.crash-*. Summary: target/fuzz/summary.txt, with
# executions, and how many edges of the target's own files (own below) its corpora reach.
set -eu
cd "$(dirname "$0")"
amount=${1:?usage: run.sh SECONDS|runs=NUMBER [TARGET ..]}
shift
[ $# -gt 0 ] || set -- $(ls corpus)
case $amount in
keep | summary) limit= ;;
runs=*) limit=-runs=${amount#runs=} ;;
*) limit=-max_total_time=$amount ;;
esac
out=$(cd ../.. && pwd)/target/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
mkdir -p "$out"

RUSTC_WRAPPER=$PWD/rustc.sh CARGO_TARGET_DIR="$out/build" cargo build --release --locked --target "$host"
driver=$out/build/$host/release/fernsicht-fuzz

# Where the instrumentation's tables lie in the program: counters, how many, places.
section() { readelf -SW "$driver" | sed -n "s/.* $1  *PROGBITS  *\([0-9a-f]*\) [0-9a-f]* \([0-9a-f]*\) .*/\1,\2/p"; }
counters=$(section __sancov_cntrs)
places=$(section __sancov_pcs)
tables=$counters,${places%,*}

# The longest input. Operations cost more than bytes of a document: short rows of them find more in the same time.
longest() {
    case $1 in
    heads) echo 40 ;;
    pairing) echo 32 ;;
    epoch | guard | peer) echo 64 ;;
    altered | router) echo 81 ;;
    agent | console | mux) echo 96 ;;
    chat) echo 128 ;;
    messages | picture | receipt) echo 1024 ;;
    decode) echo 4608 ;;
    recording) echo 6144 ;;
    *) echo 512 ;;
    esac
}

# The files whose edges count for a target.
own() {
    case $1 in
    agent) echo 'agent/src/session/(chat|transfer)([.]rs|/brake|/outcome)' ;;
    certificate) echo 'protocol/src/cert[.]rs' ;;
    console) echo 'console/src/session/(chat|pieces)[.]rs' ;;
    guard) echo 'protocol/src/guard/' ;;
    report) echo 'console/src/audit/report/signature[.]rs' ;;
    request) echo 'relay/src/authority[.]rs' ;;
    transfer) echo 'protocol/src/transfer/(name|receiver|sender)' ;;
    router) echo 'protocol/src/router/([a-eg-z]|frames)' ;;
    messages) echo 'protocol/src/(messages|audit|content|wire)[.]rs' ;;
    pairing) echo 'protocol/src/(pairing|cert)[.]rs' ;;
    mux) echo 'protocol/src/mux/' ;;
    picture) echo 'protocol/src/picture([.]rs|/)' ;;
    decode) echo 'console/src/decode/(mod|canvas|exact|video|sps)' ;;
    recording) echo 'recordings/src/(reader|format|verify|chain)' ;;
    altered) echo 'recordings/src/(verify|open|outcome)' ;;
    *) echo "protocol/src/$1[.]rs" ;;
    esac
}

fuzz() {
    mkdir -p "$out/corpus/$1"
    FUZZ_TARGET=$1 "$driver" "$limit" -timeout=60 -rss_limit_mb=1024 -max_len="$(longest "$1")" \
        -print_final_stats=1 -artifact_prefix="$out/$1." "$out/corpus/$1" "corpus/$1" \
        >"$out/$1.log" 2>&1 || echo "BROKEN" >>"$out/$1.log"
}

# What was found and reaches what nothing committed does.
keep() {
    FUZZ_TARGET=$1 "$driver" -merge=1 -use_counters=0 -max_len="$(longest "$1")" "corpus/$1" "$out/corpus/$1" \
        >"$out/$1.merge" 2>&1
}

summary() {
    state=held
    ! grep -q '^BROKEN' "$out/$1.log" || state=BROKEN
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$1.log")
    speed=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$out/$1.log")
    FUZZ_TARGET=$1 FUZZ_TABLES=$tables FUZZ_COVERAGE="$out/corpus/$1:corpus/$1" "$driver" >"$out/$1.edges" 2>/dev/null || true
    cut -d' ' -f1 "$out/$1.edges" >"$out/$1.places"
    awk -f panics.awk "$out/symbols" "$out/slots" "$out/$1.places" "$out/assembly" >"$out/$1.panics"
    # Function, place, reached. What derives write (texts, comparing, copying) decides nothing, and no edge into a panic
    # can be reached while the promises hold.
    addr2line -f -C -e "$driver" <"$out/$1.places" | paste - - | paste - "$out/$1.edges" |
        grep -E "$(own "$1")" | grep -vE 'core::(fmt|cmp|clone)::|^(fmt|eq|cmp|clone)\b' |
        awk 'NR == FNR {panics[$1]; next} !($(NF - 1) in panics)' "$out/$1.panics" - >"$out/$1.own"
    edges=$(awk '{all++; hit += $NF} END {printf "%d/%d", hit, all}' "$out/$1.own")
    echo "$1 $state executions=${runs:-?} per_second=${speed:-?} edges=$edges"
}

if [ "$amount" != keep ]; then
    nm "$driver" >"$out/symbols"
    readelf -rW "$driver" >"$out/slots"
    objdump -d --no-show-raw-insn "$driver" >"$out/assembly"
fi
rm -f "$out"/*.summary "$out/failed"
work() {
    case $amount in
    keep) keep "$1" ;;
    summary) summary "$1" >"$out/$1.summary" ;;
    *) fuzz "$1" && summary "$1" >"$out/$1.summary" ;;
    esac || echo "$1" >>"$out/failed"
}
for target in "$@"; do
    while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done
    work "$target" &
done
wait
[ ! -s "$out/failed" ] || { echo "not done: $(tr '\n' ' ' <"$out/failed")" >&2; exit 1; }
[ "$amount" != keep ] || exit 0
cat "$out"/*.summary | tee "$out/summary.txt"
! grep -q BROKEN "$out/summary.txt"
