### Fernsicht: words for the messages between technician and customer. Complements en.ftl. Plain language.
### $technician first and last name · $text a line as it was written

## Messages on the bar
chat-button = Messages
chat-button-new = New message
chat-button-close = Hide messages
chat-whose = { $technician } writes this, not this program. Do not write any passwords, PINs or TANs.
chat-recorded = The messages are recorded, too.
chat-not-recorded = The messages are not saved.
chat-from = { $technician } writes:
chat-you = You write:
chat-text = “{ $text }”
chat-on-way = This message has not arrived yet.
chat-refused = This message did not arrive. Please say it on the phone.
chat-field = Your message to { $technician }
chat-send = Send
