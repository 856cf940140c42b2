//! The cases, one function each.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use fernsicht_tests::clients;
use fernsicht_tests::customer::Button;
use fernsicht_tests::dice::Dice;
use fernsicht_tests::flood::{Stranger, Temper, loopback};
use fernsicht_tests::net::{self, Impairment, Lane, Resident};
use fernsicht_tests::reader::Words;
use fernsicht_tests::session::STEP;

use super::scene::{AGAIN, Place, Scene, Set, in_streets, lost_words};
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

/// How long a dead connection may go unnoticed: QUIC's silence, and a loaded machine.
const NOTICED: Duration = Duration::from_secs(60);

pub(crate) fn customer_moves(context: &Context) -> Result<Outcome> {
    told(context, |scene| moves(scene, Resident::Customer))
}

pub(crate) fn technician_moves(context: &Context) -> Result<Outcome> {
    told(context, |scene| moves(scene, Resident::Technician))
}

pub(crate) fn customer_stall(context: &Context) -> Result<Outcome> {
    told(context, |scene| stall(scene, Resident::Customer))
}

pub(crate) fn technician_stall(context: &Context) -> Result<Outcome> {
    told(context, |scene| stall(scene, Resident::Technician))
}

pub(crate) fn customer_loss(context: &Context) -> Result<Outcome> {
    told(context, |scene| {
        loss(scene, Resident::Customer, Duration::from_secs(60))
    })
}

pub(crate) fn technician_loss(context: &Context) -> Result<Outcome> {
    told(context, |scene| {
        loss(scene, Resident::Technician, Duration::from_secs(60))
    })
}

/// The customer gets another address: QUIC takes the connection along.
fn moves(scene: &mut Scene, who: Resident) -> Result<()> {
    let before = scene.connections();
    for network in 2..=4 {
        scene.streets.move_to(who, network)?;
        scene.goes_on(Duration::from_secs(2))?;
    }
    scene.control_works().context("after the moves")?;
    let reconnected = scene.connections() > before;
    scene
        .story
        .must(!reconnected, || "the move cost the connection".to_owned());
    scene.together_again(reconnected)?;
    scene.end()
}

/// Ten seconds without a packet: shorter than what counts as lost.
fn stall(scene: &mut Scene, who: Resident) -> Result<()> {
    let before = scene.connections();
    scene.streets.line(who).impair(CUT);
    scene.begins(Place::Line(who))?;
    scene.goes_on(Duration::from_secs(10))?;
    scene.look("at the end of the stall")?;
    scene.over()?;
    scene.mend(who)?;
    scene.nothing_comes()?;
    let reconnected = scene.connections() > before;
    scene
        .story
        .must(!reconnected, || "the stall cost the connection".to_owned());
    scene.together_again(reconnected)?;
    scene.end()
}

/// Longer without a packet than what counts as lost, and shorter than what ends the session.
fn loss(scene: &mut Scene, who: Resident, time: Duration) -> Result<()> {
    let began = std::time::Instant::now();
    scene.streets.line(who).impair(CUT);
    scene.begins(Place::Line(who))?;
    let (customer, technician) = lost_words(who);
    scene.customer_reads(customer, NOTICED)?;
    scene.technician_reads(technician, NOTICED)?;
    scene.look("while the line is lost")?;
    scene.goes_on(time.saturating_sub(began.elapsed()))?;
    scene.over()?;
    scene.mend(who)?;
    scene.customer_reads("bar-reconnected", AGAIN)?;
    scene.nothing_comes()?;
    scene.together_again(true)?;
    scene.end()
}

/// A quarter of an hour without a packet: the session is over after ten minutes, on both sides.
pub(crate) fn long_loss(context: &Context) -> Result<Outcome> {
    if context.short {
        return Ok(Outcome::absent("takes a quarter of an hour"));
    }
    told(context, |scene| {
        let began = std::time::Instant::now();
        scene.streets.line(Resident::Customer).impair(CUT);
        scene.begins(Place::Line(Resident::Customer))?;
        scene.customer_reads("bar-reconnecting", NOTICED)?;
        scene.technician_reads("peer-lost", NOTICED)?;
        scene.look("while the line is lost")?;
        let limit = Duration::from_secs(12 * 60);
        scene.customer_reads("error-connection-lost", limit)?;
        scene.technician_reads("ended-lost", limit)?;
        scene.look("after ten minutes")?;
        let rest = Duration::from_secs(15 * 60).saturating_sub(began.elapsed());
        scene.goes_on(rest)?;
        scene.over()?;
        scene
            .streets
            .line(Resident::Customer)
            .impair(Impairment::default());
        scene.nothing_comes()?;
        scene.look("when the line is back")?;
        scene.judge(0)
    })
}

/// The relay is stopped properly, and started again.
pub(crate) fn relay_restarts(context: &Context) -> Result<Outcome> {
    told(context, |scene| {
        scene.stage.relay.process.terminate()?;
        scene.stage.relay.process.ended(STEP)?;
        scene.begins(Place::Relay)?;
        scene.customer_reads("error-ended-relay", STEP)?;
        scene.technician_reads("ended-relay", STEP)?;
        scene.look("after the relay's word")?;
        scene.stage.relay = scene.stage.operator.serve()?;
        scene.goes_on(Duration::from_secs(3))?;
        scene.over()?;
        scene.judge(0)
    })
}

/// The relay is killed and started again: it knows of no session any more.
pub(crate) fn relay_killed(context: &Context) -> Result<Outcome> {
    told(context, |scene| {
        scene.stage.relay.process.kill()?;
        scene.begins(Place::Relay)?;
        scene.stage.relay = scene.stage.operator.serve()?;
        scene.customer_reads("error-connection-lost", NOTICED * 2)?;
        scene.technician_reads("ended-lost", NOTICED * 2)?;
        scene.look("after the new relay's word")?;
        scene.over()?;
        scene.judge(2)
    })
}

/// The technician's program dies.
pub(crate) fn console_killed(context: &Context) -> Result<Outcome> {
    told(context, |scene| {
        scene.stage.console.kill()?;
        scene.customer_reads("bar-reconnecting", NOTICED)?;
        scene.look("once the death was noticed")?;
        scene.begins(Place::Program)?;
        scene.goes_on(Duration::from_secs(5))?;
        scene.over()?;
        let customer = &scene.stage.customer;
        customer.turn_to_bar()?;
        customer.press(Button::EndLost)?;
        customer.rest(Duration::from_millis(300))?;
        customer.press(Button::EndLostYes)?;
        scene.customer_reads("end-safe", STEP)?;
        scene.look("at the end")?;
        scene.judge(0)
    })
}

/// The customer's program dies: rights die with it, and the technician learns it.
pub(crate) fn agent_killed(context: &Context) -> Result<Outcome> {
    told(context, |scene| {
        scene.stage.agent.kill()?;
        scene.begins(Place::Program)?;
        scene.technician_reads("peer-lost", NOTICED)?;
        scene.look("once the death was noticed")?;
        scene.goes_on(Duration::from_secs(3))?;
        scene.over()?;
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
        scene.judge(0)
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
        stage.press_until_card(Button::ConsentControl)?;
        stage.customer.read()?;
        stage.customer.press(Button::CardDone)?;
        let bar = reader.wait(stage.agent.pid(), &Words::agent("bar-control")?, STEP)?;
        stage.same_picture(STEP)?;
        outcome.measure("customer_reads", &bar)?;
        let [out, back] = streets.line(Resident::Customer).counts();
        outcome.measure("packets_out_blocked", &out.blocked)?;
        outcome.measure("packets_passed", &(out.passed + back.passed))?;
        if out.passed_udp + back.passed_udp > 0 {
            outcome
                .failed
                .push("UDP passed: the case shows nothing".to_owned());
        }
        stage.end_by_customer()?;
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
fn told(context: &Context, case: impl FnOnce(&mut Scene) -> Result<()> + Send) -> Result<Outcome> {
    if !net::possible()? {
        return Ok(Outcome::absent("network namespaces need root"));
    }
    let mut dice = Dice::fresh();
    let seed = dice.seed();
    let story = in_streets(context, &mut dice, |set| {
        let mut scene = Scene::open(set)?;
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
    outcome.measure("story", &story)?;
    outcome.failed = story.failures;
    outcome.seed(seed);
    Ok(outcome)
}
