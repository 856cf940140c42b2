### Fernsicht: Texte für die Nachrichten zwischen Technikerin oder Techniker und Kundschaft. Ergänzt de.ftl. Einfache Sprache, Anrede „Sie“.
### $technician Vor- und Nachname · $text eine Zeile, wie sie geschrieben wurde

## Nachrichten auf der Leiste
chat-button = Nachrichten
chat-button-new = Neue Nachricht
chat-button-close = Nachrichten zu
chat-whose = Das schreibt { $technician }, nicht dieses Programm. Schreiben Sie keine Passwörter, PIN oder TAN.
chat-recorded = Die Nachrichten werden mit aufgezeichnet.
chat-not-recorded = Die Nachrichten werden nicht gespeichert.
chat-from = { $technician } schreibt:
chat-you = Sie schreiben:
chat-text = „{ $text }“
chat-on-way = Diese Nachricht ist noch nicht angekommen.
chat-refused = Diese Nachricht ist nicht angekommen. Sagen Sie es am Telefon.
chat-field = Ihre Nachricht an { $technician }
chat-send = Senden
