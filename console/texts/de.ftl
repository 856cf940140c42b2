### Fernsicht: Texte für Technikerinnen und Techniker. Bundle mit set_use_isolating(false) laden.
### $technician eigener Name · $relay Name des Relays · $time Minuten und Sekunden, „9:41“

## Überall
app-title = Fernsicht-Konsole
button-back = Zurück
button-close = Schließen
button-cancel = Abbrechen
language-de = Deutsch
language-en = English

## Anmeldung
enrol-title = Diesen Computer anmelden
enrol-lead = Ihr Betreiber hat Ihnen eine Marke gegeben. Sie gilt einmal. Fügen Sie sie hier ein.
enrol-label = Marke
enrol-button = Anmelden
enrol-busy = Die Anmeldung läuft. Der Schlüssel entsteht auf diesem Computer und verlässt ihn nie.
enrol-done = Angemeldet als { $technician } bei { $relay }.
enrol-again = Dieser Computer ist schon angemeldet als { $technician } bei { $relay }. Für eine neue Anmeldung löschen Sie { $path }.

## Bereit
ready-title = Bereit
ready-who = Sie sind { $technician }, eingetragen bei { $relay }.
ready-lead = Beginnen Sie eine Sitzung, wenn die Kundin oder der Kunde am Telefon ist.
ready-button = Neue Sitzung (N)
ready-keys = Tasten: N oder F5 neue Sitzung · F2 Vorgangsnummer · F11 wird nie gesendet: Die Taste gehört der Kundin oder dem Kunden.
case-label = Vorgangsnummer, wenn Sie eine haben (F2)
notice-expires = { $days ->
    [0] Ihr Zertifikat läuft heute ab. Bitten Sie Ihren Betreiber um eine neue Marke.
    [one] Ihr Zertifikat läuft morgen ab. Bitten Sie Ihren Betreiber um eine neue Marke.
   *[other] Ihr Zertifikat läuft in { $days } Tagen ab. Bitten Sie Ihren Betreiber um eine neue Marke.
}
notice-log = Ihr eigenes Sitzungsverzeichnis konnte nicht geschrieben werden. ({ $detail })
connecting = Verbindung zu { $relay } …

## Code
code-title = Lesen Sie diesen Code vor
code-left = Gilt noch { $time }
code-tries = { $tries ->
    [one] noch 1 Versuch
   *[other] noch { $tries } Versuche
}
code-new = Neuer Code (N oder F5)
code-copy = Kopieren (Strg+C)
code-give-up = Abbrechen (Esc)
code-copied = Der Code liegt in der Zwischenablage.
code-waiting = Warten auf die Eingabe am anderen Ende.
code-pairing = Am anderen Ende wurde ein Code eingegeben. Er wird geprüft.
code-wrong = Jemand hat einen Code mit falschem Passwort eingegeben. Lesen Sie den Code noch einmal vor.
code-expired = Dieser Code ist abgelaufen. Lesen Sie einen neuen vor.
code-replaced = Der Code davor ist nach drei falschen Versuchen verbraucht, vielleicht durch Fremde. Lesen Sie diesen neuen vor.
code-spent = Dieser Code ist nach drei falschen Versuchen verbraucht. Lesen Sie einen neuen vor.
code-left-agent = Das Programm am anderen Ende ging weg, bevor es verbunden war. Dieser Versuch ist verbraucht.

## Die Entscheidung am anderen Ende
deciding-title = Am anderen Ende wird entschieden
deciding-lead = Sie sehen noch nichts. Nichts kann gesendet werden.
deciding-left = Noch { $time } für die Antwort. Danach wird für die andere Seite abgelehnt.
deciding-left-card = Noch { $time }. Danach endet die Sitzung.
page-consent = Die Seite zur Einwilligung wird gelesen. Nennen Sie auf Nachfrage Ihren Namen.
page-screens = Der Bildschirm zum Zeigen wird ausgewählt.
page-privacy = Die Hinweise zum Datenschutz werden gelesen.
page-starting = Die Sitzung wird gestartet.
page-session = Am anderen Ende steht die Leiste der Sitzung.
page-card = Am anderen Ende wird der Beschwerde-Code notiert oder fotografiert. Fragen Sie nie nach diesem Code.
guide-consent = Zur Wahl stehen: nur ansehen · ansehen und steuern · ablehnen. Raten Sie zu nichts. Private Fenster sollten vorher zu sein.
guide-screens = Auf jedem Bildschirm steht groß seine Nummer.
guide-card = Warten Sie, bis die Karte weg ist. Wer den Code nicht notieren will, kann ohne ihn weitermachen.

## Die Sitzung
state-view = Sie sehen den Bildschirm. Ein Klick zeigt am anderen Ende auf die Stelle.
state-control = Sie sehen den Bildschirm und benutzen Maus und Tastatur.
state-recorded = Wird aufgezeichnet
state-not-recorded = Keine Aufzeichnung
state-silent = Vom anderen Ende kommt seit { $seconds } s kein Lebenszeichen. Was Sie tun, kommt vielleicht nicht an.
state-paused = Am anderen Ende werden Maus oder Tastatur benutzt. Ihre Eingaben warten.
state-protected = Der Computer fragt etwas, das nur am anderen Ende beantwortet werden kann. Ihre Eingaben kommen dort nicht an.
blank-title = Kein Bild
blank-waiting = Das Bild kommt, sobald es da ist.
cause-granted = Das Zeigen ist nicht erlaubt.
cause-narrowed = Das Zeigen wurde am anderen Ende ausgeschaltet.
cause-stopped = Am anderen Ende wurde mit F11 oder „Stopp“ gestoppt.
cause-question = Am anderen Ende ist eine Frage offen. Bis zur Antwort sehen Sie nichts und können nichts steuern.
cause-answered = Die Frage ist beantwortet. Das Zeigen ist aus.
cause-lost = Die Verbindung zum anderen Ende war unterbrochen. Das Zeigen ist aus, bis es dort wieder eingeschaltet wird.
cause-recorder = Die Aufzeichnung hat einen Fehler. Das Zeigen ist aus.
cause-computer = Etwas auf dem Computer am anderen Ende verhindert das Zeigen.
cause-ended = Die Sitzung endet.
cause-epoch = Das Zeigen ist noch nicht erlaubt.
link-lost = Ihre Verbindung ist unterbrochen. Sie wird wiederhergestellt. So lange sehen Sie nichts.
peer-lost = Die Verbindung zum anderen Ende ist unterbrochen. Sie kann 10 Minuten lang zurückkommen.
recorder-failed = Die Aufzeichnung hat einen Fehler. Das Steuern ist ausgesetzt.
recorder-back = Die Aufzeichnung arbeitet wieder. Das Steuern kann am anderen Ende wieder eingeschaltet werden.
recorder-mismatch = Die Aufzeichnung des Relays stimmt nicht mit dem überein, was hier geschah. Das Steuern ist ausgesetzt. Melden Sie das Ihrem Betreiber.

## Leiste
bar-end = Sitzung beenden
bar-menu = Menü (Strg+Alt+K)
bar-screens-all = Alle Bildschirme
bar-screen = Bildschirm { $number }
menu-keys = Tasten senden
menu-view = Ansicht
menu-automatic = 1:1, wo es passt
menu-one = 1:1
menu-fit = Ans Fenster anpassen
menu-larger = Größer (Strg+Alt++), jetzt { $percent } %
menu-smaller = Kleiner (Strg+Alt+−)
menu-full = Ganzer Bildschirm (Strg+Alt+F)
menu-bar = Leiste über dem Bild (Strg+Alt+M)
menu-pointer = Zeiger am anderen Ende (Strg+Alt+P)
menu-stats = Messwerte (Strg+Alt+I)
menu-session = Sitzung
menu-end = Beenden (Strg+Alt+E)
menu-close = Menü schließen (Esc)
keys-ctrl-alt-del = Strg+Alt+Entf
keys-alt-tab = Alt+Tab
keys-super = Super
keys-print = Druck
keys-ctrl-esc = Strg+Esc
keys-alt-f4 = Alt+F4
keys-ctrl-shift-esc = Strg+Umschalt+Esc
keys-alt-f2 = Alt+F2
bar-chat = Nachrichten
bar-chat-new = { $count ->
    [one] 1 neue Nachricht
   *[other] { $count } neue Nachrichten
}
menu-chat = Nachrichten (Strg+Alt+N)
chat-title = Nachrichten
chat-note = Am anderen Ende steht vor jeder Zeile Ihr Name. In einer Sitzung mit Steuern wird aufgezeichnet, was Sie beide schreiben.
chat-own = Sie
chat-customer = Am anderen Ende
chat-open = unterwegs
chat-shown = lesbar
chat-refused = nicht angezeigt
chat-field = Nachricht, Eingabetaste sendet
chat-send = Senden
chat-close = Schließen (Strg+Alt+N)
chat-full = Erst muss ankommen, was unterwegs ist.
notice-chat = Neue Nachricht vom anderen Ende (Strg+Alt+N).
picture-own-area = Leiste der Kundin oder des Kunden
bar-maintenance = Wartung: Ende in { $time }
notice-maintenance = Das Relay wird gleich gewartet. Bringen Sie die Sitzung zu Ende.
notice-own-area = Das ist die Leiste der Kundin oder des Kunden. Sie nimmt nichts von Ihnen an.
end-question = Diese Sitzung beenden?
end-yes = Ja, beenden
end-no = Nein, weitermachen
notice-f11 = F11 wird nicht gesendet. Mit dieser Taste wird am anderen Ende alles gestoppt.
notice-no-control = Das Steuern ist aus. Es wurde nicht erlaubt oder zurückgenommen.
notice-pointing = Sie zeigen. Am anderen Ende steht dort für einen Augenblick ein Ring; bedient wird damit nichts.
notice-dropped = Der Computer am anderen Ende hat einige Eingaben nicht angenommen.
stats-title = Messwerte
stats-transport = Verbindung zum Relay: { $value }
stats-rtt = Hin und zurück zum Relay: { $value } ms
stats-draw = Vom Empfang bis gezeichnet: { $value } ms
stats-frames = Bilder pro Sekunde: { $value }
stats-bytes = Empfangen: { $value } kB/s
stats-size = Bild: { $value } Pixel
stats-complete = Ganze Bilder bisher: { $value }
stats-drawing = Gezeichnet: { $value }
stats-drawing-areas = nach geänderten Flächen
stats-drawing-textures = als ganzes Fenster
stats-off = –

## Das Ende
ended-title = Die Sitzung ist beendet
ended-lasted = Dauer { $time }
ended-recorded = aufgezeichnet
ended-not-recorded = nicht aufgezeichnet
ended-keys = Tasten: N oder F5 neue Sitzung · F2 Notiz · Esc schließen
note-label = Notiz (F2). Sie bleibt auf diesem Computer.
ended-customer = Die Sitzung wurde am anderen Ende beendet.
ended-technician = Sie haben die Sitzung beendet.
ended-refused = Am anderen Ende wurde abgelehnt. Nichts wurde gezeigt.
ended-silence = Am anderen Ende kam keine Antwort. Nichts wurde gezeigt.
ended-idle = Die Sitzung endete, weil lange nichts geschah oder weil sie ihre größte Länge erreicht hat.
ended-relay = Das Relay wird gewartet. Beginnen Sie in einigen Minuten eine neue Sitzung.
ended-revoked = Ihr Zertifikat wurde gesperrt. Fragen Sie Ihren Betreiber.
ended-lost = Das andere Ende kam nicht zurück. Beginnen Sie eine neue Sitzung, wenn das Telefongespräch noch läuft.
ended-tampered = Unterwegs wurde etwas verändert. Die Sitzung wurde zur Sicherheit beendet. Melden Sie das Ihrem Betreiber.
ended-wrong-code = Der Code war falsch. Beginnen Sie eine neue Sitzung und lesen Sie den Code langsam vor.
ended-unverified = Das Programm am anderen Ende konnte Sie nicht prüfen. Vielleicht ist Ihr Zertifikat abgelaufen. Fragen Sie Ihren Betreiber.
ended-fault = Die Sitzung endete durch einen Fehler im Programm. Beginnen Sie eine neue Sitzung.

## Probleme
problem-token-form = Das ist keine Marke. Kopieren Sie die ganze Zeile, die Sie vom Betreiber haben.
problem-token-refused = Das Relay nimmt diese Marke nicht an: Sie ist unbekannt, benutzt oder abgelaufen. Bitten Sie Ihren Betreiber um eine neue.
problem-unreachable = Das Relay { $relay } ist nicht erreichbar. Prüfen Sie das Netz und versuchen Sie es noch einmal. ({ $detail })
problem-wrong-relay = Der Server unter { $relay } ist nicht das Relay, das die Marke nennt, oder sein Zertifikat gilt nicht. Machen Sie nicht weiter; fragen Sie Ihren Betreiber. ({ $detail })
problem-relay-answer = Das Relay gab eine Antwort, die dieses Programm nicht versteht. Vielleicht hat es eine andere Version. ({ $detail })
problem-storage = Der Schlüssel kann unter { $path } nicht gelesen oder geschrieben werden. ({ $detail })
problem-storage-open = Andere können die Dateien in { $path } lesen. Erlauben Sie den Ordner nur sich selbst (chmod 700) und starten Sie neu.
problem-not-enrolled = Dieser Computer ist nicht angemeldet. Starten Sie zuerst fernsicht-console enrol MARKE oder fügen Sie die Marke im Fenster ein.
problem-too-old = Dieses Programm ist zu alt für das Relay. Holen Sie ein neueres.
problem-full = Das Relay hat keinen Platz für eine weitere Sitzung. Versuchen Sie es in einigen Minuten noch einmal.
problem-draining = Das Relay nimmt keine neuen Sitzungen an. Versuchen Sie es in einigen Minuten noch einmal.
problem-revoked = Ihr Zertifikat wurde gesperrt. Fragen Sie Ihren Betreiber.
problem-many-tries = Zu viele Versuche aus diesem Netz. Versuchen Sie es in { $minutes } Minuten noch einmal.
problem-unexpected = Das Relay hat diesen Schritt abgelehnt. Beginnen Sie eine neue Sitzung.
problem-link = Die Verbindung zum Relay ist abgerissen. Beginnen Sie eine neue Sitzung. ({ $detail })
problem-certificate = Ihr Zertifikat gilt nicht mehr. Bitten Sie Ihren Betreiber um eine neue Marke.
problem-internal = Ein Fehler im Programm: { $detail }
problem-window = Es konnte kein Fenster geöffnet werden: { $detail }

## Texte und Dateien
menu-pieces = Texte und Dateien
menu-clipboard = Text aus meiner Zwischenablage (Strg+Alt+V)
menu-file = Datei schicken … (Strg+Alt+U)
menu-ask-file = Um eine Datei bitten … (Strg+Alt+O)
menu-no-pieces = Texte und Dateien gehen nur in einer aufgezeichneten Sitzung, solange Sie sehen, und nacheinander.
piece-text = Text
piece-file = Datei
piece-waiting = { $name }: Am anderen Ende wird gefragt.
piece-running = { $name }: { $percent } %, { $speed }
piece-delivered = { $name }: angekommen.
piece-received = { $name } liegt hier: { $path }
piece-ended = { $name }: { $why }
piece-cancel = Abbrechen
piece-refused = Am anderen Ende wurde Nein gesagt.
piece-silence = Am anderen Ende kam keine Antwort.
piece-customer = Am anderen Ende abgebrochen.
piece-technician = Vom Techniker abgebrochen.
piece-stopped = Abgebrochen, weil das Zeigen oder Steuern endete.
piece-not-now = Geht gerade nicht. Dort ist eine andere Frage offen, oder etwas anderes ist unterwegs.
piece-too-soon = Nach einem Nein ist dort eine Pause. Frühestens in { $seconds } s wieder fragen.
piece-too-often = Drei Mal wurde nicht Ja gesagt. Danach wird in dieser Sitzung nichts dieser Art mehr gefragt.
piece-unreadable = Die Datei lässt sich nicht lesen.
piece-changed = Die Datei wurde währenddessen geändert.
piece-disk-full = Kein Platz auf dem Datenträger.
piece-not-writable = Der Ordner oder die Zwischenablage nimmt es nicht an.
piece-mismatch = Was ankam, ist nicht das, was geschickt wurde.
piece-fault = Abgebrochen durch einen Fehler im Programm.
piece-no-text = In Ihrer Zwischenablage ist kein Text.
piece-text-long = Der Text ist zu lang. Es gehen höchstens 256 KiB.
path-file = Welche Datei?
path-folder = In welchen Ordner kommt die Datei?
path-send = Schicken (Eingabe)
path-ask = Bitten (Eingabe)
path-cancel = Zurück (Esc)
path-drop = Sie können die Datei auch auf das Fenster ziehen.
