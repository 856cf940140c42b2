### Fernsicht: texts for auditors. Load with set_use_isolating(false).

## Window
window-title = Fernsicht auditor
window-who = { $name }, auditor at { $relay }
window-case-line = Case { $case } · recording { $number }
window-days = { $days ->
    [0] This recording is deleted today ({ $date }).
    [one] 1 day left: this recording is deleted on { $date }.
   *[other] { $days } days left: this recording is deleted on { $date }.
}
window-enrol-title = Enrol this auditor
window-enrol-lead = Your operator gave you a token. It works once. Your keys are made on this computer and never leave it.
window-token = Token
window-passphrase-final = This passphrase is final. Nobody can reset it: if it is lost, every recording that is sealed only to this key stays closed.
window-passphrase-new = New passphrase, at least 10 characters
window-passphrase-again = The same passphrase once more
window-enrol-button = Enrol
window-unlock-title = Your passphrase
window-unlock-lead = It opens your keys on this computer. Then the relay is asked.
window-passphrase = Passphrase
window-unlock-button = Unlock
window-case-title = A complaint
window-case-lead = The customer gives you the receipt file or the complaint code directly. Never take either from a technician.
window-only-auditor = You are the only auditor. If your key or your passphrase is lost, nobody can open a recording. Ask your operator to enrol a second one.
window-reference = Case reference
window-by-receipt = Receipt file
window-by-code = Complaint code
window-receipt = Path of the receipt file
window-receipt-drop = Or drop the file on this window.
window-code = Complaint code, seven groups of four
window-open-button = Open the recording
window-open-logged = The relay notes in its access log that you open this recording. The customer can read it there.
window-technicians = Recorded sessions by technician
window-technicians-lead = A session that ends without a completed receipt may have been cut off. Many of them with one technician deserve a question.
window-technicians-none = There are no recorded sessions.
window-technician = { $name } ({ $organisation }): { $recorded } recorded, { $without } without a completed receipt
window-refresh = Ask again
window-enrolling = The keys are being made and certified …
window-unlocking = The keys are being opened …
window-fetching = The relay is handing out the recording …
window-verifying = The recording is being checked …
window-revealing = The relay notes that you want to see what was typed …
window-exporting = Exporting …

## Verification
window-verdict-sound = Nothing was altered. The recording is whole.
window-verdict-incomplete = Nothing was altered, but the recording is not whole.
window-verdict-altered = The recording was altered, or something is missing or not proven.
window-verdict-closed = The recording does not open.
window-whose = Technician: { $technician }, { $organisation }
window-entry = Entry { $entry } of the access log stands for this opening.
window-passed = in order
window-noted = to be noted
window-failed = failed
window-skipped = not reached
window-more = … and { $more } more. The report has them all.
window-check-chain = Chain of the records and the relay's signatures
window-failed-chain = Records were altered, removed, added or exchanged, or the relay's signature does not fit.
window-check-technician = The technician's certificate and signature
window-failed-technician = It is not proven who the technician was.
window-check-code = Complaint code
window-failed-code = Wrong code: it does not belong to this recording.
window-check-auditor = Your key
window-failed-auditor = Wrong auditor key: this recording was not sealed to your key.
window-check-commitment = What the customer's program sealed
window-failed-commitment = Sealed falsely by the customer's program. This accuses nobody.
window-check-frames = Every frame
window-failed-frames = Frames were altered or are missing.
window-check-heads = What both ends signed
window-failed-heads = The customer's or the technician's program signed for something else than what stands here.
window-check-end = The end of the recording
window-failed-end = The recording was interrupted, or the recorder had failed in between.
window-watch = Watch the recording
window-to-export = Report and export
window-to-verification = Verification
window-close = Close the case

## Replay
window-rights-none = No sight
window-rights-view = Looks
window-rights-control = Looks and controls
window-gap = Not recorded
window-active = The customer used mouse or keyboard; the technician's input was dropped.
window-unproven = Forwarded, but the technician's program never confirmed that it showed this.
window-misfit-digest = { $time }: the technician's program confirmed another picture than this recording gives. ({ $all } such places)
window-misfit-missing = { $time }: the technician's program confirmed a picture that this recording does not hold. ({ $all } such places)
window-misfit-undrawable = { $time }: an update of the picture cannot be drawn. ({ $all } such places)
window-blank-gap = The recorder had failed. What the technician saw then is not known.
window-blank-waiting = The technician saw no picture yet.
window-blank-rights = The technician was not allowed to look. Nothing was shown.
window-play = Play (K)
window-pause = Pause (K)
window-back = 5 s back (J)
window-on = 5 s on (L)
window-speed = Speed:
window-half = 0.5
window-timeline = Timeline: { $now } of { $length }, { $rights }
window-keys = Keys: K play or pause · J, L 5 seconds · on the timeline arrows 5 seconds, with Shift a minute, Home, End · + - speed · S 1:1 or fit
window-input = What the technician did
window-input-none = Nothing.
window-injected = { $count } carried out
window-dropped = { $count } dropped
window-withheld = { $count } withheld by the relay
window-undecided = { $count } not known
window-did-typed = Typed: { $characters ->
    [one] 1 character
   *[other] { $characters } characters
}{ $keys ->
    [0] {""}
    [one] , 1 key
   *[other] , { $keys } keys
}
window-did-moved = Moved the pointer
window-did-pressed = { $button }{ $times ->
    [0] {""}
    [one] {""}
   *[other] {" "}{ $times } times
} at { $place }
window-did-scrolled = Turned the wheel
window-did-released = Let go of everything
window-did-unknown = Input of unknown content
window-button-left = Left button
window-button-middle = Middle button
window-button-right = Right button
window-button-back = Back button
window-button-forward = Forward button
window-reveal = Show (noted)
window-mask = Mask
window-stroke-dropped = dropped
window-stroke-withheld = withheld
window-stroke-undecided = not known
window-cause-granted = granted by the customer
window-cause-narrowed = switched off by the customer
window-cause-stopped = stopped by the customer with F11 or Stop
window-cause-question = a question to the customer was open
window-cause-answered = the customer had answered a question
window-cause-lost = the connection was lost
window-cause-recorder = the recorder failed
window-cause-computer = something on the customer's computer
window-cause-ended = the session ended
window-cause-epoch = a new epoch began

## Export in the window
window-export-title = Report and export
window-export-lead = Files are written only here, and only what you choose. The relay notes it. Whoever has them sees what the technician saw: keep them safe and delete them after the case.
window-folder = Folder
window-export-report = Signed report (HTML)
window-export-video = Video of the picture (MP4)
window-export-button = Export
window-exported = Written:

audit-passphrase = Passphrase:
audit-passphrase-new = New passphrase (at least 10 characters):
audit-passphrase-again = Once more:
audit-passphrase-final = This passphrase is final. Nobody can reset it. If it is lost, recordings sealed only to this key can never be opened. There should therefore be two auditors.
audit-passphrase-wrong = The passphrase is wrong.
audit-passphrase-short = The passphrase has fewer than 10 characters.
audit-passphrase-differs = The two passphrases differ.
audit-no-terminal = Nothing can be asked here. Name a file: --passphrase-file, and --code-file or --receipt.

## Enrolment
audit-enrol-done = { $auditor } is enrolled as an auditor at { $relay }. Fingerprint of the key: { $fingerprint }
audit-only-one = There is only one auditor. If this key or its passphrase is lost, nobody can open a recording. Enrol a second one.
audit-agents-anew = Issue the customer's program anew (fernsicht-relay agent): only then recordings are sealed to this key as well.
audit-not-enrolled = No auditor is enrolled on this computer. Start fernsicht-auditor enrol TOKEN first.

## Cases
audit-list-cases = Cases opened on this computer:
audit-list-open =   { $case } · recording { $number } · opened { $opened } · { $days } days left
audit-list-closed =   { $case } · recording { $number } · opened { $opened } · closed · { $days } days left
audit-list-none =   none
audit-list-technicians = Recorded sessions by technician, and how many of them ended without a completed receipt:
audit-list-technician =   { $technician } ({ $organisation }): { $recorded }, { $without } of them without a completed receipt
audit-list-more =   … and others
audit-closed = The case is closed.
audit-closed-unknown = The case is closed. It had not been opened on this computer.
audit-reference = The case reference is missing or too long (at most 128 characters, no control characters).

## Complaint
audit-code = Complaint code (seven groups of four):
audit-code-length = A complaint code has 28 symbols; these are { $symbols }.
audit-code-symbol = The symbol at place { $at } is none of a complaint code.
audit-code-wrong-at = The complaint code is mistyped, probably at place { $at }.
audit-code-wrong = The complaint code is mistyped.
audit-receipt = This file cannot serve as a receipt. ({ $detail })
audit-receipt-key = The complaint code in this receipt is not sealed to your key. Another auditor can open it, or the customer tells the code itself.
audit-file = { $path }: { $detail }
audit-no-recording = There is no recording for this complaint code.
audit-deleted = This recording was deleted on { $date }.
audit-running = The session of this recording is still running.
audit-unexpected = The relay refuses this. Perhaps you have not opened a case under this reference.
audit-relay-fault = The relay cannot read its store or write its access log. Nothing was handed out.
audit-too-large = The recording has { $megabytes } MB: more than this program holds in memory.
audit-unreadable = The recording cannot be read. ({ $detail })
audit-deletion = deleted on { $date }, { $days } days left

## Verdicts
audit-verdict-sound = Sound and complete.
audit-verdict-interrupted = Sound as far as it goes. Its end is missing, or the recorder had failed in between.
audit-verdict-altered = Something was altered or is missing.
audit-verdict-wrong-code = Wrong code: this complaint code does not belong to this recording.
audit-verdict-wrong-key = Wrong auditor key: this recording is not sealed to your key.
audit-verdict-sealed-falsely = Sealed falsely: the customer's program sealed something else than what it used. This accuses nobody.

## Export
audit-export-what = Say what is to be written: --video FILE, --report FILE, or --output FOLDER for both.
audit-export-at = { $percent } %
audit-cancelled = Cancelled. No file was left.
audit-encoding = The video cannot be written. ({ $detail })
audit-report-sound = The report is unaltered. Signed by { $auditor }.
audit-report-altered = The report cannot be relied on. ({ $detail })

## Rights and end
audit-rights-none = nothing
audit-rights-view = see
audit-rights-control = see and control
audit-cause-granted = granted by the customer
audit-cause-narrowed = switched off by the customer
audit-cause-stopped = stopped by the customer (F11 or Stop)
audit-cause-question = a question to the customer was open
audit-cause-answered = the customer answered the question
audit-cause-lost = connection lost
audit-cause-recorder = the recorder failed
audit-cause-computer = something on the customer's computer
audit-cause-ended = the session ended
audit-cause-epoch = a new epoch began
audit-end-missing = not recorded: interrupted
audit-end-customer = ended by the customer
audit-end-technician = ended by the technician
audit-end-before = ended before anything was shown
audit-end-idle = nothing happened for long, or the greatest length was reached
audit-end-relay = the relay was shut down for maintenance
audit-end-revoked = the technician's certificate was revoked
audit-end-lost = the other side did not come back
audit-end-tampered = something was altered on the way
audit-end-fault = a fault of a program

## Report
report-title = Report on a recording
report-findings = What does not fit
report-record = record { $number }
report-case = Case
report-number = Number of the recording
report-relay = Relay
report-technician = Technician
report-organisation = Organisation
report-from = Begin (relay's clock)
report-to = Last record (relay's clock)
report-lasted = Length
report-end = End
report-epochs = Epochs
report-sealed-to = Auditors to whom it is sealed
report-text = Version of the texts that the customer agreed to
report-entry = Entry in the access log
report-deletion = Deletion
report-rights = The technician's rights
report-input = The technician's input
report-talk = Messages
report-injected = Injected
report-dropped = Dropped
report-undecided = Undecided
report-export = Opening and export
report-by = Auditor
report-key = Fingerprint of the auditor's key
report-when = Time of this report
report-video = Video
report-no-video = not exported
report-video-bytes = Bytes of the video
report-video-hash = SHA-256 of the video
report-limits = All times are the relay's word. The last seconds before a missing end are weaker evidence. The video is a view; what counts is the recording. This report is signed at the end of the file; fernsicht-auditor check-report checks it.

## Messages
window-talk = Messages
audit-talk-technician = Technician
audit-talk-customer = Customer
audit-talk-open = whether it could be read is not known
audit-talk-refused = was not shown

## Texts and files
audit-pieces = Texts and files
audit-piece-text = Text for the customer's clipboard, { $size }
audit-piece-to-customer = File to the customer: { $name }, { $size }
audit-piece-from-customer = File from the customer: { $name }, { $size }
audit-piece-wanted = Request for a file of the customer's
audit-piece-allowed = allowed by the customer
audit-piece-partly = { $why }; { $sent } of it had left already
audit-piece-complete = arrived whole, SHA-256 { $hash }
