### Fernsicht: texts for technicians. Load with set_use_isolating(false).
### $technician is the technician's own name · $relay the relay's name · $time minutes and seconds, "9:41"

## Everywhere
app-title = Fernsicht console
button-back = Back
button-close = Close
button-cancel = Cancel
language-de = Deutsch
language-en = English

## Enrolment
enrol-title = Enrol this computer
enrol-lead = Your operator gave you a token. It works once. Paste it here.
enrol-label = Token
enrol-button = Enrol
enrol-busy = Enrolling. The key is made on this computer and never leaves it.
enrol-done = Enrolled as { $technician } at { $relay }.
enrol-again = This computer is already enrolled as { $technician } at { $relay }. To enrol it anew, delete { $path }.

## Ready
ready-title = Ready
ready-who = You are { $technician }, registered at { $relay }.
ready-lead = Start a session when the customer is on the phone.
ready-button = New session (N)
ready-keys = Keys: N or F5 new session · F2 case number · F11 is never sent: it belongs to the customer.
case-label = Case number, if you have one (F2)
notice-expires = { $days ->
    [0] Your certificate expires today. Ask your operator for a new token.
    [one] Your certificate expires tomorrow. Ask your operator for a new token.
   *[other] Your certificate expires in { $days } days. Ask your operator for a new token.
}
notice-log = Your own list of sessions could not be written. ({ $detail })
connecting = Connecting to { $relay } …

## Code
code-title = Read this code to the customer
code-left = Valid for another { $time }
code-tries = { $tries ->
    [one] 1 try left
   *[other] { $tries } tries left
}
code-new = New code (N or F5)
code-copy = Copy (Ctrl+C)
code-give-up = Cancel (Esc)
code-copied = The code is on the clipboard.
code-waiting = Waiting for the customer.
code-pairing = The customer has typed a code. It is being checked.
code-wrong = Somebody typed a code with a wrong password. The customer needs the code once more.
code-expired = This code has expired. Read a new one to the customer.
code-replaced = The code before it is used up after three wrong tries, perhaps by strangers. Read this new one to the customer.
code-spent = This code is used up after three wrong tries. Read a new one to the customer.
code-left-agent = The customer's program went away before it was paired. This try is spent.

## The customer decides
deciding-title = The customer decides
deciding-lead = You see nothing yet. Nothing can be sent.
deciding-left = { $time } left for an answer. After that the program refuses for the customer.
deciding-left-card = { $time } left. After that the session ends.
page-consent = The customer reads the consent page. Say your name when asked.
page-screens = The customer chooses which screen to show.
page-privacy = The customer reads the privacy information.
page-starting = The session is being started.
page-session = The customer has the session's bar before them.
page-card = The customer notes or photographs the complaint code. Never ask for that code.
guide-consent = The choices are: only look · look and control · refuse. Do not advise any of them. Private windows should be closed first.
guide-screens = Each screen shows its number in large print.
guide-card = Wait until the card is gone. Who does not want to note the code can go on without it.

## The session
state-view = You see the screen. A click shows the customer the place.
state-control = You see the screen and use mouse and keyboard.
state-recorded = Recorded
state-not-recorded = Not recorded
state-silent = No sign of life from the other end for { $seconds } s. What you do may not arrive.
state-paused = The customer uses mouse or keyboard. Your input waits.
state-protected = The computer asks something that only the customer can answer. Your input does not arrive there.
blank-title = No picture
blank-waiting = The picture comes as soon as it is there.
cause-granted = The customer has not granted sight.
cause-narrowed = The customer has switched sight off.
cause-stopped = The customer has stopped the session with F11 or Stop.
cause-question = The customer is being asked a question. Until the answer you see nothing and cannot use mouse and keyboard.
cause-answered = The customer has answered. Sight is off.
cause-lost = The connection to the customer was interrupted. Sight is off until the customer switches it on.
cause-recorder = The recording failed. Sight is off.
cause-computer = Something on the customer's computer prevents showing the screen.
cause-ended = The session ends.
cause-epoch = The customer has not granted sight yet.
link-lost = Your connection is interrupted. It is being restored. You see nothing meanwhile.
peer-lost = The customer's connection is interrupted. It has 10 minutes to come back.
recorder-failed = The recorder failed. Control is suspended.
recorder-back = The recorder works again. The customer can switch control on again.
recorder-mismatch = The relay's recording does not match what happened here. Control is suspended. Tell your operator.

## Bar
bar-end = End session
bar-menu = Menu (Ctrl+Alt+K)
bar-screens-all = All screens
bar-screen = Screen { $number }
menu-keys = Send keys
menu-view = View
menu-automatic = 1:1 where it fits
menu-one = 1:1
menu-fit = Fit the window
menu-larger = Larger (Ctrl+Alt++), now { $percent } %
menu-smaller = Smaller (Ctrl+Alt+−)
menu-full = Full screen (Ctrl+Alt+F)
menu-bar = Bar over the picture (Ctrl+Alt+M)
menu-pointer = Customer's pointer (Ctrl+Alt+P)
menu-stats = Statistics (Ctrl+Alt+I)
menu-session = Session
menu-end = End (Ctrl+Alt+E)
menu-close = Close the menu (Esc)
keys-ctrl-alt-del = Ctrl+Alt+Del
keys-alt-tab = Alt+Tab
keys-super = Super
keys-print = Print screen
keys-ctrl-esc = Ctrl+Esc
keys-alt-f4 = Alt+F4
keys-ctrl-shift-esc = Ctrl+Shift+Esc
keys-alt-f2 = Alt+F2
bar-chat = Messages
bar-chat-new = { $count ->
    [one] 1 new message
   *[other] { $count } new messages
}
menu-chat = Messages (Ctrl+Alt+N)
chat-title = Messages
chat-note = At the other end your name stands before each line. In a session with control, what you both write is recorded.
chat-own = You
chat-customer = The other end
chat-open = on its way
chat-shown = can be read
chat-refused = not shown
chat-field = Message, Enter sends
chat-send = Send
chat-close = Close (Ctrl+Alt+N)
chat-full = What is on its way has to arrive first.
notice-chat = A new message from the other end (Ctrl+Alt+N).
picture-own-area = Customer's bar
bar-maintenance = Maintenance: ends in { $time }
notice-maintenance = The relay will be maintained in a moment. Bring the session to its end.
notice-own-area = This is the customer's bar. It takes nothing from you.
end-question = End this session?
end-yes = Yes, end it
end-no = No, go on
notice-f11 = F11 is not sent. It is the customer's key to stop everything.
notice-no-control = Control is off. The customer has not granted it, or has taken it back.
notice-pointing = You are pointing. The customer sees a ring there for a moment; it operates nothing.
notice-dropped = The customer's computer did not accept some of your input.
stats-title = Statistics
stats-transport = Connection to the relay: { $value }
stats-rtt = Round trip to the relay: { $value } ms
stats-draw = Update received to drawn: { $value } ms
stats-frames = Pictures per second: { $value }
stats-bytes = Received: { $value } kB/s
stats-size = Picture: { $value } pixels
stats-complete = Complete pictures so far: { $value }
stats-drawing = Drawn: { $value }
stats-drawing-areas = by changed area
stats-drawing-textures = as a whole window
stats-off = –

## The end
ended-title = The session is over
ended-lasted = Duration { $time }
ended-recorded = recorded
ended-not-recorded = not recorded
ended-keys = Keys: N or F5 new session · F2 note · Esc close
note-label = Note (F2). It stays on this computer.
ended-customer = The customer ended the session.
ended-technician = You ended the session.
ended-refused = The customer refused. Nothing was shown.
ended-silence = The customer did not answer. Nothing was shown.
ended-idle = The session ended because nothing happened for a long time, or because it reached its greatest length.
ended-relay = The relay is being shut down for maintenance. Start a new session in a few minutes.
ended-revoked = Your certificate has been revoked. Ask your operator.
ended-lost = The customer did not come back. Start a new session if the customer is still on the phone.
ended-tampered = Something was altered on the way. The session was ended for safety. Tell your operator.
ended-wrong-code = The code was wrong. Start a new session and read the code slowly.
ended-unverified = The customer's program could not verify you. Your certificate may be out of date. Ask your operator.
ended-fault = The session ended by a fault of the program. Start a new session.

## Problems
problem-token-form = This is not a token. Copy the whole line that the operator gave you.
problem-token-refused = The relay does not accept this token: it is unknown, used or expired. Ask your operator for a new one.
problem-unreachable = The relay { $relay } cannot be reached. Check the network, then try again. ({ $detail })
problem-wrong-relay = The server at { $relay } is not the relay that this token names, or its certificate is not valid. Do not go on; ask your operator. ({ $detail })
problem-relay-answer = The relay gave an answer that this program does not understand. It may have another version. ({ $detail })
problem-storage = The key could not be read or written at { $path }. ({ $detail })
problem-storage-open = Others can read the files in { $path }. Make the folder readable for yourself only (chmod 700), then start again.
problem-not-enrolled = This computer is not enrolled. Start fernsicht-console enrol TOKEN first, or paste the token in the window.
problem-too-old = This program is too old for the relay. Get a newer one.
problem-full = The relay has no room for another session. Try again in a few minutes.
problem-draining = The relay takes no new sessions. Try again in a few minutes.
problem-revoked = Your certificate has been revoked. Ask your operator.
problem-many-tries = Too many tries from this network. Try again in { $minutes } minutes.
problem-unexpected = The relay refused this step. Start a new session.
problem-link = The connection to the relay broke. Start a new session. ({ $detail })
problem-certificate = Your certificate is not valid any more. Ask your operator for a new token.
problem-internal = A fault of the program: { $detail }
problem-window = No window could be opened: { $detail }

## Texts and files
menu-pieces = Texts and files
menu-clipboard = Text from my clipboard (Ctrl+Alt+V)
menu-file = Send a file … (Ctrl+Alt+U)
menu-ask-file = Ask for a file … (Ctrl+Alt+O)
menu-no-pieces = Texts and files need a recorded session in which you see, and go one after the other.
piece-text = Text
piece-file = File
piece-waiting = { $name }: being asked at the other end.
piece-running = { $name }: { $percent } %, { $speed }
piece-delivered = { $name }: arrived.
piece-received = { $name } is here: { $path }
piece-ended = { $name }: { $why }
piece-cancel = Cancel
piece-refused = They said no at the other end.
piece-silence = No answer from the other end.
piece-customer = Cancelled at the other end.
piece-technician = Cancelled by the technician.
piece-stopped = Cancelled because showing or control ended.
piece-not-now = Not possible right now. Another question is open there, or something else is under way.
piece-too-soon = After a no there is a pause. Ask again in { $seconds } s at the earliest.
piece-too-often = Three times there was no yes. Nothing of this kind is asked any more in this session.
piece-unreadable = The file cannot be read.
piece-changed = The file changed meanwhile.
piece-disk-full = No room on the disk.
piece-not-writable = The folder or the clipboard does not take it.
piece-mismatch = What arrived is not what was sent.
piece-fault = Cancelled by a fault of the program.
piece-no-text = There is no text on your clipboard.
piece-text-long = The text is too long. At most 256 KiB can go.
path-file = Which file?
path-folder = Into which folder goes the file?
path-send = Send (Enter)
path-ask = Ask (Enter)
path-cancel = Back (Esc)
path-drop = You can also drag the file onto the window.
