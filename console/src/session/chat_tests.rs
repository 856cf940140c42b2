//! The chat: what is said again, and what became of it.

use super::*;

/// What the console says in the chat.
fn talked(pair: &mut Pair) -> Vec<content::Chat> {
    let outputs = outputs(&mut pair.core);
    chats(pair, outputs)
}

fn chats(pair: &mut Pair, outputs: Vec<Output>) -> Vec<content::Chat> {
    let mut said = Vec::new();
    for output in outputs {
        if let Output::Frame(frame) = output {
            let content = pair.peer.opener.as_mut().unwrap().open(frame).unwrap();
            if let Ok(ConsoleNotice::Chat { chat }) = ConsoleNotice::from_bytes(&content) {
                said.push(chat);
            }
        }
    }
    said
}

#[test]
fn a_line_is_said_again_until_it_is_answered_and_needs_no_rights() {
    let line = |number, text: &str| content::Chat::Line {
        number,
        text: Text::new(text).unwrap(),
    };
    let mut pair = paired();
    pair.core.handle_write("Hallo");
    assert!(talked(&mut pair).is_empty(), "not before the first rights");

    let mut pair = Pair::control();
    outputs(&mut pair.core);
    pair.rights(Rights::None, Cause::Stopped);
    pair.core.handle_write(" Hallo\u{202e} ");
    pair.core.handle_write("\u{200b}");
    assert_eq!(talked(&mut pair), [line(1, "Hallo")]);
    let lines = |pair: &Pair| -> Vec<(view::Writer, Fate)> {
        let chat = pair.session().chat;
        chat.lines.iter().map(|l| (l.writer, l.fate)).collect()
    };
    let own = |number| view::Writer::Technician { number };
    assert_eq!(lines(&pair), [(own(1), Fate::Open)]);

    pair.core.handle_relay(RelayToConsole::PeerLost, pair.now);
    pair.core.handle_write("Noch da?");
    outputs(&mut pair.core);
    pair.core.handle_relay(RelayToConsole::Resumed, pair.now);
    outputs(&mut pair.core);
    // Before the first rights of the new epoch, and before anything that is written in it.
    let again = pair.epoch(2);
    pair.core.handle_write("Ja");
    let again = chats(&mut pair, again);
    assert_eq!(again, [line(1, "Hallo"), line(2, "Noch da?")]);
    assert_eq!(talked(&mut pair), [line(3, "Ja")]);
    let rights = pair.rights(Rights::View, Cause::Epoch);
    assert_eq!(chats(&mut pair, rights), []);

    let shown = content::Chat::Shown { number: 1 };
    pair.notice(&AgentNotice::Chat { chat: shown });
    let refused = content::Chat::Refused { from: 2, to: 2 };
    pair.notice(&AgentNotice::Chat { chat: refused });
    let third = (own(3), Fate::Open);
    assert_eq!(
        lines(&pair),
        [(own(1), Fate::Shown), (own(2), Fate::Refused), third]
    );

    // The customer's are shown and answered at once, and a repetition is no second line.
    for _ in 0..2 {
        let chat = line(1, "Ja");
        pair.notice(&AgentNotice::Chat { chat });
        assert_eq!(talked(&mut pair), [content::Chat::Shown { number: 1 }]);
    }
    assert_eq!(pair.session().chat.came, 1);
    assert_eq!(lines(&pair)[3..], [(view::Writer::Customer, Fate::Shown)]);
}
