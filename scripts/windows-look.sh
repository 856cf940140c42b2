#!/usr/bin/env bash
# Looks at the Windows programs in a folder: do they ask for nothing that Windows lacks, and have they their version,
# icon and manifest? Prints their sizes.
#
#   scripts/windows-look.sh FOLDER
set -euo pipefail
folder=${1:?usage: scripts/windows-look.sh FOLDER}

# What every Windows since 10 has. A C++ library, gcc's or another compiler's is not among it.
HAS=" advapi32.dll bcrypt.dll bcryptprimitives.dll combase.dll comctl32.dll comdlg32.dll crypt32.dll d3d11.dll dwmapi.dll
 dxgi.dll gdi32.dll imm32.dll kernel32.dll msvcrt.dll ncrypt.dll ntdll.dll ole32.dll oleaut32.dll opengl32.dll
 powrprof.dll propsys.dll rpcrt4.dll secur32.dll setupapi.dll shell32.dll shlwapi.dll uiautomationcore.dll user32.dll
 userenv.dll uxtheme.dll version.dll winmm.dll winspool.drv ws2_32.dll "
HAS=$(tr '\n' ' ' <<<"$HAS")

wrong=0
complain() {
    echo "windows-look.sh: $1" >&2
    wrong=1
}
for name in fernsicht-agent fernsicht-console fernsicht-auditor; do
    program=$folder/$name.exe
    [[ -f $program ]] || { complain "$program is missing."; continue; }
    headers=$(x86_64-w64-mingw32-objdump -p "$program")
    while read -r library; do
        [[ $HAS == *" ${library,,} "* || ${library,,} == api-ms-win-* ]] ||
            complain "$name.exe asks for $library, which Windows does not have."
    done < <(sed -n 's/^\s*DLL Name: //p' <<<"$headers")
    sections=$(x86_64-w64-mingw32-objdump -h "$program")
    [[ $sections == *.rsrc* ]] || complain "$name.exe has no resources."
    # Symbols would double its size.
    [[ $(x86_64-w64-mingw32-objdump -t "$program" 2>/dev/null) == *"no symbols"* ]] || complain "$name.exe is not stripped."
    for wanted in PerMonitorV2 asInvoker 'UTF-8</activeCodePage>'; do
        grep -qaF "$wanted" "$program" || complain "$name.exe has no manifest that says $wanted."
    done
    # The version's text is of two bytes a letter. All of it is read: who stops early breaks the pipe.
    tr -d '\0' <"$program" | grep -aF "OriginalFilename$name.exe" >/dev/null || complain "$name.exe has no version."
    printf '%-24s %10d bytes\n' "$name.exe" "$(stat -c %s "$program")"
done
exit "$wrong"
