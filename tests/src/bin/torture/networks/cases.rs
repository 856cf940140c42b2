//! The cases, one function each.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use fernsicht_tests::clients;
use fernsicht_tests::customer::Button;
use fernsicht_tests::dice::Dice;
use fernsicht_tests::flood::{Stranger, Temper, loopback};
use fernsicht_tests::net::{self, Impairment, Lane, Resident};
use fernsicht_tests::reader::Words;
use fernsicht_tests::session::STEP;

use super::expected::{
    AGENT_KILLED, CONSOLE_KILLED, CUSTOMER_LOSS, CUSTOMER_STALL, Expected, LONG_LOSS, MOVE,
    RELAY_KILLED, RELAY_RESTARTS, TECHNICIAN_LOSS, TECHNICIAN_STALL,
};
use super::scene::{AGAIN, Place, Scene, Set, in_streets, verdict};
use crate::item::{Context, Outcome};

/// The cable is out.
const CUT: Impairment = Impairment {
    loss: 0,
    delay: Duration::ZERO,
    jitter: Duration::ZERO,
    rate: None,
    queue: 0,
    block: Lane::Everything,
};

/// As many blocked packets as QUIC sends before TCP has been taken: at 0, 1 and 3 s, each padded first flight of one packet
/// or two, to two addresses at most.
const FALLBACK_PACKETS: u64 = 12;

/// How long a dead connection may go unnoticed: QUIC's silence, and a loaded machine.
const NOTICED: Duration = Duration::from_secs(60);

pub(crate) fn customer_moves(context: &Context) -> Result<Outcome> {
    told(context, &MOVE, |scene| moves(scene, Resident::Customer))
}

pub(crate) fn technician_moves(context: &Context) -> Result<Outcome> {
    told(context, &MOVE, |scene| moves(scene, Resident::Technician))
}

pub(crate) fn customer_stall(context: &Context) -> Result<Outcome> {
    told(context, &CUSTOMER_STALL, |scene| {
        stall(scene, Resident::Customer)
    })
}

pub(crate) fn technician_stall(context: &Context) -> Result<Outcome> {
    told(context, &TECHNICIAN_STALL, |scene| {
        stall(scene, Resident::Technician)
    })
}

pub(crate) fn customer_loss(context: &Context) -> Result<Outcome> {
    told(context, &CUSTOMER_LOSS, |scene| {
        loss(scene, Resident::Customer, Duration::from_secs(60))
    })
}

pub(crate) fn technician_loss(context: &Context) -> Result<Outcome> {
    told(context, &TECHNICIAN_LOSS, |scene| {
        loss(scene, Resident::Technician, Duration::from_secs(60))
    })
}

/// Somebody gets another address: QUIC takes the connection along.
fn moves(scene: &mut Scene, who: Resident) -> Result<()> {
    for network in 2..=4 {
        scene.streets.move_to(who, network)?;
        scene.goes_on(Duration::from_secs(2))?;
    }
    scene.during(NOTICED)?;
    scene.control_works().context("after the moves")?;
    scene.together_again()?;
    scene.end()
}

/// Ten seconds without a packet: shorter than what counts as lost.
fn stall(scene: &mut Scene, who: Resident) -> Result<()> {
    let began = Instant::now();
    scene.streets.line(who).impair(CUT);
    scene.begins(Place::Line(who))?;
    scene.during(STEP)?;
    scene.goes_on(Duration::from_secs(10).saturating_sub(began.elapsed()))?;
    scene.over()?;
    scene.mend(who)?;
    scene.nothing_comes()?;
    scene.together_again()?;
    scene.end()
}

/// Longer without a packet than what counts as lost, and shorter than what ends the session.
fn loss(scene: &mut Scene, who: Resident, time: Duration) -> Result<()> {
    let began = Instant::now();
    scene.streets.line(who).impair(CUT);
    scene.begins(Place::Line(who))?;
    scene.during(NOTICED)?;
    scene.goes_on(time.saturating_sub(began.elapsed()))?;
    scene.over()?;
    scene.mend(who)?;
    scene.after(AGAIN)?;
    scene.nothing_comes()?;
    scene.together_again()?;
    scene.end()
}

/// A quarter of an hour without a packet: the session is over after ten minutes, on both sides.
pub(crate) fn long_loss(context: &Context) -> Result<Outcome> {
    if context.short {
        return Ok(Outcome::absent("takes a quarter of an hour"));
    }
    told(context, &LONG_LOSS, |scene| {
        let began = Instant::now();
        scene.streets.line(Resident::Customer).impair(CUT);
        scene.begins(Place::Line(Resident::Customer))?;
        scene.during(NOTICED)?;
        scene.after(Duration::from_secs(12 * 60))?;
        let rest = Duration::from_secs(15 * 60).saturating_sub(began.elapsed());
        scene.goes_on(rest)?;
        scene.over()?;
        scene
            .streets
            .line(Resident::Customer)
            .impair(Impairment::default());
        scene.nothing_comes()?;
        scene.look("when the line is back")?;
        scene.judge()
    })
}

/// The relay is stopped properly, and started again.
pub(crate) fn relay_restarts(context: &Context) -> Result<Outcome> {
    told(context, &RELAY_RESTARTS, |scene| {
        scene.stage.relay.process.terminate()?;
        scene.stage.relay.process.ended(STEP)?;
        scene.begins(Place::Relay)?;
        scene.after(STEP)?;
        scene.stage.relay = scene.stage.operator.serve()?;
        scene.goes_on(Duration::from_secs(3))?;
        scene.over()?;
        scene.judge()
    })
}

/// The relay is killed and started again: it knows of no session any more.
pub(crate) fn relay_killed(context: &Context) -> Result<Outcome> {
    told(context, &RELAY_KILLED, |scene| {
        scene.stage.relay.process.kill()?;
        scene.begins(Place::Relay)?;
        scene.stage.relay = scene.stage.operator.serve()?;
        scene.after(NOTICED * 2)?;
        scene.over()?;
        scene.judge()
    })
}

/// The technician's program dies.
pub(crate) fn console_killed(context: &Context) -> Result<Outcome> {
    told(context, &CONSOLE_KILLED, |scene| {
        scene.stage.console.kill()?;
        scene.during(NOTICED)?;
        scene.begins(Place::Program)?;
        scene.goes_on(Duration::from_secs(5))?;
        scene.over()?;
        let customer = &scene.stage.customer;
        customer.turn_to_bar()?;
        customer.press(Button::EndLost)?;
        customer.rest(Duration::from_millis(300))?;
        customer.press(Button::EndLostYes)?;
        scene.after(STEP)?;
        scene.judge()
    })
}

/// The customer's program dies: rights die with it, and the technician learns it.
pub(crate) fn agent_killed(context: &Context) -> Result<Outcome> {
    told(context, &AGENT_KILLED, |scene| {
        scene.stage.agent.kill()?;
        scene.begins(Place::Program)?;
        scene.during(NOTICED)?;
        scene.goes_on(Duration::from_secs(3))?;
        scene.over()?;
        scene.after(STEP)?;
        let receipts = scene.stage.operator.receipts()?;
        scene.story.must(receipts.len() == 1, || {
            format!("{} receipts are there", receipts.len())
        });
        // The technician has nobody to wait for.
        scene.stage.console.terminate()?;
        // Before the ten minutes are over the recording is open yet; the relay's end closes it.
        scene.stage.relay.process.terminate()?;
        scene.stage.relay.process.ended(STEP)?;
        scene.stage.relay = scene.stage.operator.serve()?;
        scene.judge()
    })
}

/// A network that lets no UDP pass: the same session over TLS on TCP.
pub(crate) fn without_udp(context: &Context) -> Result<Outcome> {
    if !net::possible()? {
        return Ok(Outcome::absent("network namespaces need root"));
    }
    let mut dice = Dice::fresh();
    let (mut outcome, seed) = (
        Outcome {
            runs: 1,
            ..Outcome::default()
        },
        dice.seed(),
    );
    outcome.seed(seed);
    in_streets(context, &mut dice, |set| {
        let relay = set.backdrop.operator.serve()?;
        let address: SocketAddr = set.backdrop.operator.address().parse()?;
        let tcp = TcpStream::connect_timeout(&address, Duration::from_secs(2));
        drop(relay);
        if tcp.is_err() {
            return Ok(Outcome::absent("the relay listens on UDP alone"));
        }
        let (streets, reader) = (Arc::clone(&set.streets), Arc::clone(&set.reader));
        let udp = Impairment {
            block: Lane::Udp,
            ..Impairment::default()
        };
        streets.line(Resident::Customer).impair(udp);
        let Set {
            backdrop, folder, ..
        } = set;
        let mut stage = backdrop.without_tap().open()?;
        let code = stage.code()?;
        stage.customer.enter_code(&code)?;
        let typed = Instant::now();
        stage.press_until_card(Button::ConsentControl)?;
        let paired_ms = typed.elapsed().as_millis();
        let paired = streets.line(Resident::Customer).counts();
        stage.customer.read()?;
        stage.customer.press(Button::CardDone)?;
        let bar = reader.wait(stage.agent.pid(), &Words::agent("bar-control")?, STEP)?;
        let console = Words::console("state-control")?;
        let sign = reader.wait(stage.console.pid(), &console, STEP)?;
        stage.same_picture(STEP)?;
        stage.turn_to((960, 700))?;
        outcome.measure("customer_reads", &bar)?;
        outcome.measure("technician_reads", &sign)?;
        // From the typed code to the recording's card: TCP's head start, pairing, two presses of the customer's.
        outcome.measure("card_after_ms", &paired_ms)?;
        let [out, back] = streets.line(Resident::Customer).counts();
        outcome.measure("packets_out_blocked", &out.blocked)?;
        outcome.measure("packets_passed", &(out.passed + back.passed))?;
        let mut must = |holds: bool, failure: &str| {
            if !holds {
                outcome.failed.push(failure.to_owned());
            }
        };
        must(
            out.passed_udp + back.passed_udp == 0,
            "UDP passed: the case shows nothing",
        );
        must(
            out.blocked > 0,
            "QUIC was not tried: the case shows nothing",
        );
        // QUIC doubles its waits: a handful of packets are gone in the second and a half that it is ahead.
        must(
            paired[0].blocked <= FALLBACK_PACKETS,
            "QUIC was tried for longer than until TCP stood",
        );
        must(
            out.blocked == paired[0].blocked,
            "QUIC was tried again after TCP had been taken",
        );
        stage.end_by_customer()?;
        reader.wait(stage.agent.pid(), &Words::agent("end-safe")?, STEP)?;
        let verdict = verdict(&stage, 0)?;
        outcome.failed.extend(verdict.failures);
        outcome.measure("auditor", &verdict.auditor)?;
        outcome.measure("recording", &verdict.recording)?;
        drop(stage);
        drop(folder);
        Ok(outcome)
    })
}

/// Strangers spend the tries of a real console's code: it shows a new one at once and says why, and that one pairs.
pub(crate) fn codes_replaced(context: &Context) -> Result<Outcome> {
    if !net::possible()? {
        return Ok(Outcome::absent("network namespaces need root"));
    }
    let mut dice = Dice::fresh();
    in_streets(context, &mut dice, |set| {
        let reader = Arc::clone(&set.reader);
        let Set {
            backdrop, folder, ..
        } = set;
        let mut stage = backdrop.open()?;
        let first = stage.code()?;
        // Digits of nameplate, password and check digit.
        let nameplate = first[..first.len() - 6].to_owned();
        let relay: SocketAddr = stage.operator.address().parse()?;
        let name = stage.operator.place()?.pin.relay_name;
        let told = clients::block_on(async {
            let mut told = Vec::new();
            for (socket, temper) in
                loopback(3, 1)?
                    .into_iter()
                    .zip([Temper::Guesses, Temper::Leaves, Temper::Guesses])
            {
                let stranger = Stranger::new(socket, relay, &name)?;
                told.push(format!("{:?}", stranger.attempt(&nameplate, temper).await));
            }
            Ok(told)
        })?;
        let second = stage.code().context("no new code was shown")?;
        let notice = reader.wait(stage.console.pid(), &Words::console("code-replaced")?, STEP)?;
        let page = reader.read(stage.console.pid())?;
        stage.customer.enter_code(&second)?;
        stage.consent_to_control()?;
        stage.same_picture(STEP)?;
        let mut outcome = Outcome {
            runs: 1,
            ..Outcome::default()
        };
        if first == second {
            outcome.failed.push("the code stayed the same".to_owned());
        }
        outcome.measure("strangers_were_told", &told)?;
        outcome.measure("notice", &notice)?;
        outcome.measure("page", &page)?;
        stage.check()?;
        drop(stage);
        drop(folder);
        Ok(outcome)
    })
}

/// One case in streets of its own, as an outcome. What both saw when it went wrong is kept.
fn told(
    context: &Context,
    expected: &'static Expected,
    case: impl FnOnce(&mut Scene) -> Result<()> + Send,
) -> Result<Outcome> {
    if !net::possible()? {
        return Ok(Outcome::absent("network namespaces need root"));
    }
    let mut dice = Dice::fresh();
    let seed = dice.seed();
    let story = in_streets(context, &mut dice, |set| {
        let mut scene = Scene::open(set, expected)?;
        if let Err(error) = scene.begin().and_then(|()| case(&mut scene)) {
            let folder = context.output.join("wrong").join(format!("{seed:x}"));
            scene.went_wrong(&error, &folder).context(error)?;
        }
        scene.close();
        Ok(scene.story)
    })?;
    let mut outcome = Outcome {
        runs: 1,
        ..Outcome::default()
    };
    outcome.measure("expected", expected)?;
    outcome.measure("story", &story)?;
    outcome.failed = story.failures;
    outcome.seed(seed);
    Ok(outcome)
}
