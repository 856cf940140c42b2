/* Stands on the customer's desktop in the demonstration and counts, independently of the agent, what programs press:
 * keys without modifiers and buttons anywhere (low-level hooks, only what Windows marks as injected), and clicks into its
 * own window. After each event both counts are written to the file that is named.
 *
 * Tests only; no part of any product.
 */
#include <stdio.h>
#include <windows.h>

static HANDLE file;
static unsigned presses, clicks;

static void tell(void)
{
    char line[32];
    DWORD written;
    int length = snprintf(line, sizeof line, "%10u %10u\n", presses, clicks);
    SetFilePointer(file, 0, NULL, FILE_BEGIN);
    WriteFile(file, line, length, &written, NULL);
}

static int modifier(DWORD key)
{
    switch (key) {
    case VK_SHIFT: case VK_LSHIFT: case VK_RSHIFT:
    case VK_CONTROL: case VK_LCONTROL: case VK_RCONTROL:
    case VK_MENU: case VK_LMENU: case VK_RMENU:
    case VK_LWIN: case VK_RWIN: case VK_CAPITAL: case VK_NUMLOCK:
        return 1;
    }
    return 0;
}

static LRESULT CALLBACK on_key(int code, WPARAM word, LPARAM what)
{
    const KBDLLHOOKSTRUCT *key = (const KBDLLHOOKSTRUCT *)what;
    /* By the message: wine does not flag the end of a character. */
    if (code >= 0 && key->flags & LLKHF_INJECTED && (word == WM_KEYDOWN || word == WM_SYSKEYDOWN)
        && !modifier(key->vkCode)) {
        presses++;
        tell();
    }
    return CallNextHookEx(NULL, code, word, what);
}

static LRESULT CALLBACK on_mouse(int code, WPARAM word, LPARAM what)
{
    const MSLLHOOKSTRUCT *mouse = (const MSLLHOOKSTRUCT *)what;
    if (code >= 0 && mouse->flags & LLMHF_INJECTED
        && (word == WM_LBUTTONDOWN || word == WM_RBUTTONDOWN || word == WM_MBUTTONDOWN)) {
        presses++;
        tell();
    }
    return CallNextHookEx(NULL, code, word, what);
}

static LRESULT CALLBACK serve(HWND window, UINT what, WPARAM word, LPARAM rest)
{
    switch (what) {
    case WM_LBUTTONDOWN:
    case WM_RBUTTONDOWN:
    case WM_MBUTTONDOWN:
        clicks++;
        tell();
        return 0;
    case WM_DESTROY:
        PostQuitMessage(0);
        return 0;
    }
    return DefWindowProcA(window, what, word, rest);
}

int WINAPI WinMain(HINSTANCE instance, HINSTANCE before, LPSTR path, int show)
{
    WNDCLASSA class = { .lpfnWndProc = serve, .hInstance = instance, .lpszClassName = "witness",
                        .hbrBackground = (HBRUSH)(COLOR_WINDOW + 1), .hCursor = LoadCursor(NULL, IDC_ARROW) };
    MSG message;
    (void)before;
    file = CreateFileA(path, GENERIC_WRITE, FILE_SHARE_READ, NULL, CREATE_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE || !RegisterClassA(&class)
        || !CreateWindowA("witness", "witness", WS_OVERLAPPEDWINDOW | WS_VISIBLE, 640, 690, 300, 90, NULL, NULL, instance, NULL)
        || !SetWindowsHookExA(WH_KEYBOARD_LL, on_key, instance, 0)
        || !SetWindowsHookExA(WH_MOUSE_LL, on_mouse, instance, 0))
        return 1;
    (void)show;
    tell();
    while (GetMessageA(&message, NULL, 0, 0) > 0) {
        TranslateMessage(&message);
        DispatchMessageA(&message);
    }
    return 0;
}
