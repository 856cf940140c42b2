#!/usr/bin/env bash
# Attaches a configuration to a Windows program, signs it with a certificate made for this test alone, and looks whether
# the signature holds, the configuration is found, and nothing can be attached any more.
#
#   scripts/windows-sign.sh PROGRAM.exe RELAY ATTACHED      the last two: fernsicht-relay, and protocol's example `attached`
set -euo pipefail
program=${1:?usage: scripts/windows-sign.sh PROGRAM.exe RELAY ATTACHED}
relay=$2
attached=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() {
    echo "windows-sign.sh: $1" >&2
    exit 1
}

# The relay's first start makes its home; it is stopped again at once.
"$relay" serve --data "$folder/relay" >"$folder/log" 2>&1 &
server=$!
for _ in $(seq 100); do
    [[ -f $folder/relay/relay.toml && -f $folder/relay/ca.pem ]] && break
    sleep 0.1
done
kill "$server"
wait "$server" 2>/dev/null || true
sed -i -E 's/^(operator|domain|public_address|address|complaints_office|privacy_contact|authority|legal_basis) = ""/\1 = "Nordlicht"/' "$folder/relay/relay.toml"

"$relay" agent --data "$folder/relay" --program "$program" --output "$folder/attached.exe" >/dev/null 2>"$folder/words" ||
    fail "nothing can be attached: $(<"$folder/words")"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=Test" -addext extendedKeyUsage=codeSigning \
    -keyout "$folder/key.pem" -out "$folder/certificate.pem" 2>/dev/null
osslsigncode sign -certs "$folder/certificate.pem" -key "$folder/key.pem" -h sha256 \
    -in "$folder/attached.exe" -out "$folder/signed.exe" >/dev/null
osslsigncode verify -CAfile "$folder/certificate.pem" -in "$folder/signed.exe" >"$folder/verdict" 2>&1 ||
    fail "the signature does not hold: $(<"$folder/verdict")"
"$attached" "$folder/signed.exe" >/dev/null || fail "the configuration is not found in the signed program"

# A byte of the configuration, and the signature no longer holds.
cp "$folder/signed.exe" "$folder/altered.exe"
at=$(stat -c %s "$folder/attached.exe")
printf '\xff' | dd of="$folder/altered.exe" bs=1 seek=$((at - 70)) conv=notrunc status=none
if osslsigncode verify -CAfile "$folder/certificate.pem" -in "$folder/altered.exe" >/dev/null 2>&1; then
    fail "the signature does not cover the configuration"
fi
if "$attached" "$folder/altered.exe" 2>/dev/null >&2; then fail "an altered program is taken"; fi
# Cut off within its signature, and within the configuration.
for length in $(($(stat -c %s "$folder/signed.exe") - 100)) $((at - 10)); do
    head -c "$length" "$folder/signed.exe" >"$folder/cut.exe"
    if "$attached" "$folder/cut.exe" 2>/dev/null >&2; then fail "a program cut off at $length is taken"; fi
done
osslsigncode sign -certs "$folder/certificate.pem" -key "$folder/key.pem" -h sha256 \
    -in "$program" -out "$folder/bare.exe" >/dev/null
for signed in signed bare; do
    if "$relay" agent --data "$folder/relay" --program "$folder/$signed.exe" --output "$folder/again.exe" >/dev/null 2>&1; then
        fail "something can be attached to a signed program"
    fi
done
echo "Attached, then signed: the signature holds and covers the configuration, which is found."
