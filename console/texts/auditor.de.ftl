### Fernsicht: Texte für Prüfende. Laden mit set_use_isolating(false).

## Fenster
window-title = Fernsicht-Prüfung
window-who = { $name }, prüfberechtigt bei { $relay }
window-case-line = Fall { $case } · Aufzeichnung { $number }
window-days = { $days ->
    [0] Diese Aufzeichnung wird heute gelöscht ({ $date }).
    [one] Noch 1 Tag: Diese Aufzeichnung wird am { $date } gelöscht.
   *[other] Noch { $days } Tage: Diese Aufzeichnung wird am { $date } gelöscht.
}
window-enrol-title = Zur Prüfung anmelden
window-enrol-lead = Sie haben vom Betreiber eine Marke bekommen. Sie gilt einmal. Ihre Schlüssel entstehen auf diesem Computer und verlassen ihn nie.
window-token = Marke
window-passphrase-final = Diese Passphrase ist endgültig. Niemand kann sie zurücksetzen: Geht sie verloren, bleibt jede Aufzeichnung zu, die nur für diesen Schlüssel versiegelt ist.
window-passphrase-new = Neue Passphrase, mindestens 10 Zeichen
window-passphrase-again = Dieselbe Passphrase noch einmal
window-enrol-button = Anmelden
window-unlock-title = Ihre Passphrase
window-unlock-lead = Sie öffnet Ihre Schlüssel auf diesem Computer. Danach wird das Relay gefragt.
window-passphrase = Passphrase
window-unlock-button = Aufschließen
window-case-title = Eine Beschwerde
window-case-lead = Die Kundin oder der Kunde gibt Ihnen die Quittungsdatei oder den Beschwerdecode unmittelbar. Nehmen Sie beides nie von einer Technikerin oder einem Techniker an.
window-only-auditor = Sie sind allein prüfberechtigt. Gehen Ihr Schlüssel oder Ihre Passphrase verloren, kann niemand mehr eine Aufzeichnung öffnen. Bitten Sie Ihren Betreiber, eine zweite Person anzumelden.
window-reference = Aktenzeichen
window-by-receipt = Quittungsdatei
window-by-code = Beschwerdecode
window-receipt = Pfad der Quittungsdatei
window-receipt-drop = Oder ziehen Sie die Datei auf dieses Fenster.
window-code = Beschwerdecode, sieben Vierergruppen
window-open-button = Aufzeichnung öffnen
window-open-logged = Das Relay vermerkt im Zugriffsprotokoll, dass Sie diese Aufzeichnung öffnen. Die Kundin oder der Kunde kann es dort lesen.
window-technicians = Aufgezeichnete Sitzungen je Person
window-technicians-lead = Eine Sitzung ohne fertige Quittung kann abgewürgt worden sein. Häufen sie sich bei einer Person, sind sie eine Frage wert.
window-technicians-none = Es gibt keine aufgezeichneten Sitzungen.
window-technician = { $name } ({ $organisation }): { $recorded } aufgezeichnet, { $without } ohne fertige Quittung
window-refresh = Neu fragen
window-enrolling = Die Schlüssel werden gemacht und beglaubigt …
window-unlocking = Die Schlüssel werden geöffnet …
window-fetching = Das Relay gibt die Aufzeichnung heraus …
window-verifying = Die Aufzeichnung wird geprüft …
window-revealing = Das Relay vermerkt, dass Sie das Getippte sehen wollen …
window-exporting = Ausgabe läuft …

## Prüfung
window-verdict-sound = Nichts wurde verändert. Die Aufzeichnung ist vollständig.
window-verdict-incomplete = Nichts wurde verändert, aber die Aufzeichnung ist nicht vollständig.
window-verdict-altered = Die Aufzeichnung wurde verändert, oder etwas fehlt oder ist nicht belegt.
window-verdict-closed = Die Aufzeichnung lässt sich nicht öffnen.
window-whose = Technik: { $technician }, { $organisation }
window-entry = Eintrag { $entry } im Zugriffsprotokoll steht für diese Öffnung.
window-passed = in Ordnung
window-noted = zu beachten
window-failed = nicht bestanden
window-skipped = nicht erreicht
window-more = … und { $more } weitere. Im Bericht stehen alle.
window-check-chain = Kette der Einträge und Unterschriften des Relays
window-failed-chain = Einträge wurden verändert, entfernt, hinzugefügt oder vertauscht, oder die Unterschrift des Relays passt nicht.
window-check-technician = Zertifikat und Unterschrift der Technik
window-failed-technician = Es ist nicht belegt, wer an der Technik saß.
window-check-code = Beschwerdecode
window-failed-code = Falscher Code: Er gehört nicht zu dieser Aufzeichnung.
window-check-auditor = Ihr Schlüssel
window-failed-auditor = Falscher Schlüssel: Diese Aufzeichnung wurde nicht für Ihren Schlüssel versiegelt.
window-check-commitment = Was das Kundenprogramm versiegelt hat
window-failed-commitment = Vom Kundenprogramm falsch versiegelt. Das belastet niemanden.
window-check-frames = Jedes Datenpaket
window-failed-frames = Datenpakete wurden verändert oder fehlen.
window-check-heads = Was beide Enden unterschrieben haben
window-failed-heads = Das Programm der Kundin, des Kunden oder der Technik hat für etwas anderes unterschrieben, als hier steht.
window-check-end = Das Ende der Aufzeichnung
window-failed-end = Die Aufzeichnung wurde unterbrochen, oder das Aufzeichnen war zwischendurch ausgefallen.
window-watch = Aufzeichnung ansehen
window-to-export = Bericht und Ausgabe
window-to-verification = Prüfung
window-close = Fall schließen

## Wiedergabe
window-rights-none = Keine Sicht
window-rights-view = Sieht zu
window-rights-control = Sieht zu und steuert
window-gap = Nicht aufgezeichnet
window-active = Am Kundencomputer wurden Maus oder Tastatur benutzt; die Eingaben der Technik wurden verworfen.
window-unproven = Weitergeleitet, aber das Programm der Technik hat nie bestätigt, dass es dies zeigte.
window-misfit-digest = { $time }: Das Programm der Technik hat ein anderes Bild bestätigt, als diese Aufzeichnung ergibt. ({ $all } solche Stellen)
window-misfit-missing = { $time }: Das Programm der Technik hat ein Bild bestätigt, das diese Aufzeichnung nicht enthält. ({ $all } solche Stellen)
window-misfit-undrawable = { $time }: Eine Änderung des Bildes lässt sich nicht zeichnen. ({ $all } solche Stellen)
window-blank-gap = Das Aufzeichnen war ausgefallen. Was die Technik in dieser Zeit sah, ist nicht bekannt.
window-blank-waiting = Die Technik sah noch kein Bild.
window-blank-rights = Die Technik durfte nicht zusehen. Es wurde nichts gezeigt.
window-play = Abspielen (K)
window-pause = Anhalten (K)
window-back = 5 s zurück (J)
window-on = 5 s weiter (L)
window-speed = Tempo:
window-half = 0,5
window-timeline = Zeitleiste: { $now } von { $length }, { $rights }
window-keys = Tasten: K abspielen oder anhalten · J, L 5 Sekunden · auf der Zeitleiste Pfeile 5 Sekunden, mit Umschalt eine Minute, Pos1, Ende · + - Tempo · S 1:1 oder einpassen
window-input = Was die Technik tat
window-input-none = Nichts.
window-injected = { $count } ausgeführt
window-dropped = { $count } verworfen
window-withheld = { $count } vom Relay zurückgehalten
window-undecided = { $count } unbekannt
window-did-typed = Getippt: { $characters ->
    [one] 1 Zeichen
   *[other] { $characters } Zeichen
}{ $keys ->
    [0] {""}
    [one] , 1 Taste
   *[other] , { $keys } Tasten
}
window-did-moved = Zeiger bewegt
window-did-pressed = { $button }{ $times ->
    [0] {""}
    [one] {""}
   *[other] {" "}{ $times }-mal
} bei { $place }
window-did-scrolled = Rad gedreht
window-did-released = Alles losgelassen
window-did-unknown = Eingabe unbekannten Inhalts
window-button-left = Linke Taste
window-button-middle = Mittlere Taste
window-button-right = Rechte Taste
window-button-back = Zurück-Taste
window-button-forward = Vorwärts-Taste
window-reveal = Zeigen (wird vermerkt)
window-mask = Verdecken
window-stroke-dropped = verworfen
window-stroke-withheld = zurückgehalten
window-stroke-undecided = unbekannt
window-cause-granted = von der Kundin oder dem Kunden erlaubt
window-cause-narrowed = von der Kundin oder dem Kunden abgeschaltet
window-cause-stopped = von der Kundin oder dem Kunden mit F11 oder Stopp beendet
window-cause-question = eine Frage an die Kundin oder den Kunden war offen
window-cause-answered = eine Frage war beantwortet
window-cause-lost = die Verbindung war abgerissen
window-cause-recorder = das Aufzeichnen fiel aus
window-cause-computer = etwas am Kundencomputer
window-cause-ended = die Sitzung endete
window-cause-epoch = ein neuer Abschnitt begann

## Ausgabe im Fenster
window-export-title = Bericht und Ausgabe
window-export-lead = Nur hier werden Dateien geschrieben, und nur was Sie wählen. Das Relay vermerkt es. Wer sie hat, sieht, was die Technik sah: Verwahren Sie sie sicher und löschen Sie sie nach dem Fall.
window-folder = Ordner
window-export-report = Unterschriebener Bericht (HTML)
window-export-video = Video des Bildes (MP4)
window-export-button = Ausgeben
window-exported = Geschrieben:

## Passwort-Satz
audit-passphrase = Passwort-Satz:
audit-passphrase-new = Neuer Passwort-Satz (mindestens 10 Zeichen):
audit-passphrase-again = Noch einmal:
audit-passphrase-final = Dieser Passwort-Satz ist endgültig. Niemand kann ihn zurücksetzen. Geht er verloren, lassen sich Aufzeichnungen, die nur für diesen Schlüssel versiegelt sind, nie mehr öffnen. Deshalb sollte es zwei Prüfer geben.
audit-passphrase-wrong = Der Passwort-Satz ist falsch.
audit-passphrase-short = Der Passwort-Satz hat weniger als 10 Zeichen.
audit-passphrase-differs = Die beiden Passwort-Sätze sind verschieden.
audit-no-terminal = Hier kann nichts gefragt werden. Nennen Sie eine Datei: --passphrase-file und --code-file oder --receipt.

## Anmeldung
audit-enrol-done = { $auditor } ist als Prüfer beim Relay { $relay } angemeldet. Fingerabdruck des Schlüssels: { $fingerprint }
audit-only-one = Es gibt nur einen Prüfer. Geht dieser Schlüssel oder sein Passwort-Satz verloren, kann niemand eine Aufzeichnung öffnen. Melden Sie einen zweiten an.
audit-agents-anew = Geben Sie das Kundenprogramm neu aus (fernsicht-relay agent): Erst dann werden Aufzeichnungen auch für diesen Schlüssel versiegelt.
audit-not-enrolled = Auf diesem Computer ist kein Prüfer angemeldet. Starten Sie zuerst fernsicht-auditor enrol MARKE.

## Fälle
audit-list-cases = Fälle, die auf diesem Computer geöffnet wurden:
audit-list-open =   { $case } · Aufzeichnung { $number } · geöffnet { $opened } · noch { $days } Tage
audit-list-closed =   { $case } · Aufzeichnung { $number } · geöffnet { $opened } · geschlossen · noch { $days } Tage
audit-list-none =   keine
audit-list-technicians = Aufgezeichnete Sitzungen je Techniker, und wie viele davon ohne fertigen Beleg endeten:
audit-list-technician =   { $technician } ({ $organisation }): { $recorded }, davon { $without } ohne fertigen Beleg
audit-list-more =   … und weitere
audit-closed = Der Fall ist geschlossen.
audit-closed-unknown = Der Fall ist geschlossen. Auf diesem Computer war er nicht geöffnet.
audit-reference = Das Zeichen des Falls fehlt oder ist zu lang (höchstens 128 Zeichen, keine Steuerzeichen).

## Beschwerde
audit-code = Beschwerde-Code (sieben Gruppen zu vier Zeichen):
audit-code-length = Ein Beschwerde-Code hat 28 Zeichen; hier sind es { $symbols }.
audit-code-symbol = Das Zeichen an Stelle { $at } kommt in keinem Beschwerde-Code vor.
audit-code-wrong-at = Der Beschwerde-Code ist vertippt, wahrscheinlich an Stelle { $at }.
audit-code-wrong = Der Beschwerde-Code ist vertippt.
audit-receipt = Diese Datei kann nicht als Beleg dienen. ({ $detail })
audit-receipt-key = Der Beschwerde-Code in diesem Beleg ist nicht für Ihren Schlüssel versiegelt. Ein anderer Prüfer kann ihn öffnen, oder der Kunde nennt den Code selbst.
audit-file = { $path }: { $detail }
audit-no-recording = Zu diesem Beschwerde-Code gibt es keine Aufzeichnung.
audit-deleted = Diese Aufzeichnung wurde am { $date } gelöscht.
audit-running = Die Sitzung dieser Aufzeichnung läuft noch.
audit-unexpected = Das Relay lehnt das ab. Vielleicht haben Sie unter diesem Zeichen noch keinen Fall geöffnet.
audit-relay-fault = Das Relay kann seinen Speicher nicht lesen oder sein Zugriffsprotokoll nicht schreiben. Nichts wurde herausgegeben.
audit-too-large = Die Aufzeichnung hat { $megabytes } MB: mehr, als dieses Programm im Speicher hält.
audit-unreadable = Die Aufzeichnung kann nicht gelesen werden. ({ $detail })
audit-deletion = wird am { $date } gelöscht, noch { $days } Tage

## Urteile
audit-verdict-sound = Unversehrt und vollständig.
audit-verdict-interrupted = Unversehrt, soweit sie reicht. Das Ende fehlt, oder die Aufzeichnung hatte dazwischen einen Fehler.
audit-verdict-altered = Etwas wurde verändert oder fehlt.
audit-verdict-wrong-code = Falscher Code: Dieser Beschwerde-Code gehört nicht zu dieser Aufzeichnung.
audit-verdict-wrong-key = Falscher Prüfer-Schlüssel: Diese Aufzeichnung ist nicht für Ihren Schlüssel versiegelt.
audit-verdict-sealed-falsely = Falsch versiegelt: Das Programm des Kunden hat etwas anderes versiegelt, als es benutzt hat. Das belastet niemanden.

## Ausgabe
audit-export-what = Nennen Sie, was geschrieben werden soll: --video DATEI, --report DATEI, oder --output ORDNER für beides.
audit-export-at = { $percent } %
audit-cancelled = Abgebrochen. Es wurde keine Datei hinterlassen.
audit-encoding = Das Video kann nicht geschrieben werden. ({ $detail })
audit-report-sound = Der Bericht ist unverändert. Unterschrieben von { $auditor }.
audit-report-altered = Dem Bericht ist nicht zu trauen. ({ $detail })

## Rechte und Ende
audit-rights-none = nichts
audit-rights-view = sehen
audit-rights-control = sehen und steuern
audit-cause-granted = vom Kunden erlaubt
audit-cause-narrowed = vom Kunden ausgeschaltet
audit-cause-stopped = vom Kunden gestoppt (F11 oder „Stopp“)
audit-cause-question = eine Frage an den Kunden war offen
audit-cause-answered = der Kunde hat die Frage beantwortet
audit-cause-lost = Verbindung verloren
audit-cause-recorder = die Aufzeichnung hatte einen Fehler
audit-cause-computer = etwas auf dem Computer des Kunden
audit-cause-ended = die Sitzung endete
audit-cause-epoch = ein neuer Abschnitt begann
audit-end-missing = nicht aufgezeichnet: unterbrochen
audit-end-customer = vom Kunden beendet
audit-end-technician = vom Techniker beendet
audit-end-before = beendet, bevor etwas gezeigt wurde
audit-end-idle = lange nichts geschehen, oder die größte Länge erreicht
audit-end-relay = das Relay wurde gewartet
audit-end-revoked = das Zertifikat des Technikers wurde gesperrt
audit-end-lost = die andere Seite kam nicht zurück
audit-end-tampered = unterwegs wurde etwas verändert
audit-end-fault = Fehler eines Programms

## Bericht
report-title = Bericht über eine Aufzeichnung
report-findings = Was nicht stimmt
report-record = Eintrag { $number }
report-case = Fall
report-number = Nummer der Aufzeichnung
report-relay = Relay
report-technician = Techniker
report-organisation = Firma oder Abteilung
report-from = Beginn (Uhr des Relays)
report-to = Letzter Eintrag (Uhr des Relays)
report-lasted = Dauer
report-end = Ende
report-epochs = Abschnitte mit eigenem Schlüssel
report-sealed-to = Prüfer, für die sie versiegelt ist
report-text = Fassung der Texte, denen der Kunde zustimmte
report-entry = Eintrag im Zugriffsprotokoll
report-deletion = Löschung
report-rights = Rechte des Technikers
report-input = Eingaben des Technikers
report-talk = Nachrichten
report-injected = Ausgeführt
report-dropped = Verworfen
report-undecided = Ungeklärt
report-export = Öffnung und Ausgabe
report-by = Prüfer
report-key = Fingerabdruck seines Schlüssels
report-when = Zeitpunkt dieses Berichts
report-video = Video
report-no-video = nicht ausgegeben
report-video-bytes = Größe des Videos in Byte
report-video-hash = SHA-256 des Videos
report-limits = Alle Zeiten sind Angaben des Relays. Die letzten Sekunden vor einem fehlenden Ende sind schwächer belegt. Das Video ist eine Ansicht; maßgeblich ist die Aufzeichnung. Dieser Bericht ist am Ende der Datei elektronisch unterschrieben; fernsicht-auditor check-report prüft das.

## Nachrichten
window-talk = Nachrichten
audit-talk-technician = Technik
audit-talk-customer = Kundschaft
audit-talk-open = ob es gelesen werden konnte, ist nicht bekannt
audit-talk-refused = wurde nicht angezeigt

## Texte und Dateien
audit-pieces = Texte und Dateien
audit-piece-text = Text für die Zwischenablage des Kunden, { $size }
audit-piece-to-customer = Datei an den Kunden: { $name }, { $size }
audit-piece-from-customer = Datei vom Kunden: { $name }, { $size }
audit-piece-wanted = Bitte um eine Datei des Kunden
audit-piece-allowed = vom Kunden erlaubt
audit-piece-partly = { $why }; { $sent } davon waren schon unterwegs
audit-piece-complete = ganz angekommen, SHA-256 { $hash }
