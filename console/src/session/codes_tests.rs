//! Codes: tries, expiry, replacement.

use super::*;

/// Three agents with wrong passwords at the code that is out.
fn spend(core: &mut Core, now: Instant) {
    let Phase::Offered(offered) = &core.phase else {
        panic!("a code")
    };
    let password = wrong(offered.code.password());
    for left in [2, 1] {
        let (_, reply) = share(core, &password, now);
        assert!(matches!(reply, ConsoleToRelay::Reply { .. }));
        core.handle_relay(RelayToConsole::AgentLeft, now);
        let Stage::Code(shown) = core.stage() else {
            panic!("still a code")
        };
        assert_eq!((shown.tries, shown.state), (left, CodeState::Wrong));
    }
    drop(share(core, &password, now));
    core.handle_relay(RelayToConsole::AgentLeft, now);
}

fn another_code(core: &mut Core, nameplate: &str, now: Instant) -> view::Code {
    let session = RelayToConsole::Session {
        session: [6; 16],
        nameplate: Text::new(nameplate).unwrap(),
        valid_s: 600,
    };
    core.handle_relay(session, now);
    let Stage::Code(shown) = core.stage() else {
        panic!("a code")
    };
    shown
}

#[test]
fn a_code_whose_tries_are_spent_is_replaced_at_once_and_it_is_said() {
    let now = Instant::now();
    let (mut core, _) = offered(now);
    spend(&mut core, now);
    assert_eq!(said(&mut core), [ConsoleToRelay::NewSession]);
    // The relay has counted the same tries, and its word crosses.
    core.handle_relay(RelayToConsole::CodeExpired, now);
    assert!(said(&mut core).is_empty());
    let shown = another_code(&mut core, "4813", now);
    assert!(shown.replaces && shown.grouped.starts_with("4813"));
    assert_eq!((shown.tries, shown.state), (3, CodeState::Waiting));
    // Whoever asks for one himself is told nothing of the kind.
    core.start();
    assert!(!another_code(&mut core, "4814", now).replaces);
}

#[test]
fn a_code_that_the_relay_withdraws_before_its_time_is_replaced() {
    let now = Instant::now();
    let (mut core, _) = offered(now);
    core.handle_relay(RelayToConsole::CodeExpired, now);
    assert_eq!(said(&mut core), [ConsoleToRelay::NewSession]);
    assert!(another_code(&mut core, "4813", now).replaces);
    let later = now + Duration::from_secs(600);
    core.handle_relay(RelayToConsole::CodeExpired, later);
    let why = CodeOver::Expired;
    assert_eq!(core.stage(), Stage::CodeOver { why });
}

#[test]
fn codes_are_not_replaced_for_ever_and_a_spent_one_teaches_nothing() {
    let now = Instant::now();
    let (mut core, _) = offered(now);
    for _ in 0..REPLACEMENTS {
        spend(&mut core, now);
        assert!(another_code(&mut core, "4812", now).replaces);
        outputs(&mut core);
    }
    spend(&mut core, now);
    let why = CodeOver::Spent;
    assert_eq!(core.stage(), Stage::CodeOver { why });
    outputs(&mut core);
    let password = Password::draw(&mut OsRng);
    let (_, share) = agent::open(context(&core), &password, &mut OsRng);
    let share = Blob(share.to_vec());
    core.handle_relay(
        RelayToConsole::Share {
            configuration: [9; 32],
            share,
        },
        now,
    );
    assert!(
        !outputs(&mut core)
            .iter()
            .any(|o| matches!(o, Output::Relay(_)))
    );
}

#[test]
fn a_forged_confirmation_pairs_nothing() {
    let now = Instant::now();
    let (mut core, code) = offered(now);
    drop(share(&mut core, code.password(), now));
    let confirm = RelayToConsole::Confirm {
        confirmation: [1; 32],
        agent_key: [2; 32],
        nonce: [3; 32],
    };
    core.handle_relay(confirm, now);
    assert_eq!(said(&mut core), [ConsoleToRelay::PairingFailed]);
    assert!(matches!(core.stage(), Stage::Code(_)));
}

#[test]
fn a_code_expires_by_our_own_clock() {
    let now = Instant::now();
    let (mut core, _) = offered(now);
    let until = core.poll_timeout().unwrap();
    assert_eq!(until, now + Duration::from_secs(600));
    core.handle_timeout(until);
    assert_eq!(
        core.stage(),
        Stage::CodeOver {
            why: CodeOver::Expired
        }
    );
}

#[test]
fn a_new_code_is_one_key_away() {
    let now = Instant::now();
    let (mut core, _) = offered(now);
    core.start();
    assert_eq!(said(&mut core), [ConsoleToRelay::NewSession]);
    let nameplate = Text::new("4813").unwrap();
    core.handle_relay(
        RelayToConsole::Session {
            session: [6; 16],
            nameplate,
            valid_s: 600,
        },
        now,
    );
    let Stage::Code(shown) = core.stage() else {
        panic!("a code")
    };
    assert!(shown.grouped.starts_with("4813"));
}
