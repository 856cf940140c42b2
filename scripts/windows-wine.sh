#!/usr/bin/env bash
# Runs a Windows program under wine, with what Debian's wine lacks beside it: tests only, never part of the product.
#
#   scripts/windows-wine.sh PROGRAM [ARGUMENT...]
#
# Wine's own folder is WINEPREFIX, or one in target/windows. Without a display it draws nowhere.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$here/target/windows}
export WINEPREFIX=${WINEPREFIX:-$target/wine}
export WINEARCH=win64 WINEDEBUG=${WINEDEBUG:--all}
# Nothing is to be asked for on the first start.
export WINEDLLOVERRIDES="mscoree,mshtml,winemenubuilder.exe=${WINEDLLOVERRIDES:+;$WINEDLLOVERRIDES}"
shims=$target/shims
if [[ ! -f $shims/bcryptprimitives.dll || $here/windows/shim/bcryptprimitives.c -nt $shims/bcryptprimitives.dll ]]; then
    mkdir -p "$shims"
    x86_64-w64-mingw32-gcc -shared -O1 -s -o "$shims/bcryptprimitives.dll.new" \
        "$here/windows/shim/bcryptprimitives.c" "$here/windows/shim/bcryptprimitives.def" -ladvapi32
    mv "$shims/bcryptprimitives.dll.new" "$shims/bcryptprimitives.dll"
fi
if [[ ! -f $shims/witness.exe || $here/windows/tests/witness.c -nt $shims/witness.exe ]]; then
    x86_64-w64-mingw32-gcc -Wall -O1 -s -mwindows -o "$shims/witness.exe.new" "$here/windows/tests/witness.c"
    mv "$shims/witness.exe.new" "$shims/witness.exe"
fi
export WINEPATH="Z:${shims//\//\\}${WINEPATH:+;$WINEPATH}"
wine=$(command -v wine64 || echo /usr/lib/wine/wine64)
[[ ${1:-} != --shims ]] || exit 0
exec "$wine" "$@"
