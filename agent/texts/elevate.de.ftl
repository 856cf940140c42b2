### Fernsicht: Texte für den neuen Start als Administrator. Ergänzt de.ftl. Einfache Sprache, Anrede „Sie“.
### $technician Vor- und Nachname

## Neuer Start als Administrator auf der Leiste
elevate-button = Als Administrator neu starten
elevate-title = Möchten Sie dieses Programm als Administrator neu starten?
elevate-what = Windows fragt Sie zuerst um Erlaubnis. Wenn Sie dort Ja sagen, endet diese Sitzung. Danach startet das Programm neu. Sie brauchen dann einen neuen Code vom Telefon.
elevate-why = In der neuen Sitzung kann { $technician } auch das bedienen, was sonst nur ein Administrator darf. Vorher werden Sie wieder gefragt. Sie dürfen auch Nein sagen.
elevate-yes = Ja, neu starten
elevate-no = Nein, weitermachen
elevate-waiting = Windows fragt Sie jetzt um Erlaubnis. Bitte antworten Sie dort.
elevate-refused = Das Programm wurde nicht neu gestartet. Das Steuern ist gesperrt, bis Sie die Sitzung fortsetzen.

## Ende
elevate-ended = Das Programm startet als Administrator neu, sobald Sie dieses Fenster schließen. Sie brauchen dann einen neuen Code vom Telefon.
elevate-close = Schließen und neu starten
