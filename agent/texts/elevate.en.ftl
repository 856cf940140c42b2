### Fernsicht: words for the new start as administrator. Complements en.ftl. Plain language.
### $technician first and last name

## New start as administrator, on the bar
elevate-button = Restart as administrator
elevate-title = Would you like to restart this program as administrator?
elevate-what = Windows asks for your permission first. If you say yes there, this session ends. Then the program starts again. You will need a new code from the phone.
elevate-why = In the new session { $technician } can also operate what only an administrator may. You will be asked again before that. You may also say no.
elevate-yes = Yes, restart
elevate-no = No, continue
elevate-waiting = Windows is asking for your permission now. Please answer there.
elevate-refused = The program was not restarted. Control is blocked until you continue the session.

## End
elevate-ended = The program restarts as administrator as soon as you close this window. You will then need a new code from the phone.
elevate-close = Close and restart
