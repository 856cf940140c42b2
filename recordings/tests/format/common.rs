//! A small recording with something of everything.

use fernsicht_protocol::content::{
    AgentNotice, Cause, ConsoleNotice, DropReason, InputEvent, Pointer,
};
use fernsicht_protocol::frame::{Class, Direction};
use fernsicht_protocol::messages::End as Reason;
use fernsicht_protocol::rights::Rights;
use fernsicht_protocol::wire::{Text, Wire};
use fernsicht_recordings::finding::{End, Refusal};
use fernsicht_recordings::open::{self, Opened};
use fernsicht_recordings::sample::{Office, Recorded, Session};

/// The operator of all tests.
pub(crate) fn office() -> Office {
    Office::new(42)
}

/// Two epochs, all classes, two checkpoints in each, input with every outcome.
pub(crate) fn small(office: &Office) -> Recorded {
    play(Session::begin(office, 7)).end(Reason::Customer)
}

/// What happens in [`small`], without its end.
pub(crate) fn play(mut session: Session<'_>) -> Session<'_> {
    let notice = AgentNotice::TextVersion {
        version: [3; 8],
        language: Text::new("de").unwrap(),
    };
    let agent = Direction::AgentToConsole;
    session.frame(agent, Class::Notices, &notice.to_bytes());
    session.wait(10);
    session.grant(Rights::Control, Cause::Granted);
    session.beacon();
    session.picture(b"first");
    session.picture_ack(1, 11);
    for _ in 0..3 {
        session.wait(2);
        session.input(InputEvent::Move { x: 4, y: 5 });
    }
    session.ack(2, &[(1, 1, DropReason::CustomerActive)]);
    session.heads(End::Agent);
    session.heads(End::Console);
    session.checkpoint();
    session.wait(80);
    let pointer = Pointer {
        sequence: 1,
        visible: true,
        x: 4,
        y: 5,
        shape: None,
    };
    session.frame(agent, Class::Pointer, &pointer.to_bytes());
    session.drop_picture(b"cancelled on the way", 20);
    let late = InputEvent::ReleaseAll.to_bytes();
    session.tombstone(Direction::ConsoleToAgent, Class::Input, &late);
    session.ack(3, &[(3, 3, DropReason::NotGranted)]);
    session.picture(b"second");
    session.checkpoint();
    session.begin_epoch();
    session.grant(Rights::Control, Cause::Granted);
    let wanted = ConsoleNotice::PictureWanted.to_bytes();
    session.frame(Direction::ConsoleToAgent, Class::Notices, &wanted);
    session.tombstone(agent, Class::Transfer, b"a file");
    session.heads(End::Agent);
    session.heads(End::Console);
    session.picture(&[7; 3000]);
    session.input(InputEvent::ReleaseAll);
    session.ack(0, &[]);
    session.checkpoint();
    session.wait(100);
    session
}

/// Opens `bytes` with everything that is needed.
pub(crate) fn open<'b>(
    office: &Office,
    recorded: &Recorded,
    bytes: &'b [u8],
) -> Result<Opened<&'b [u8]>, Refusal> {
    let key = &office.auditors[0];
    open::open(bytes, &recorded.keys, &recorded.code, key, &office.pin())
}
