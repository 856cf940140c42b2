//! Stolen resume tokens, at the real relay: brought while their owner is connected and while he is away, used
//! before, by the wrong technician, at the wrong door.
//!
//! The relay knows tokens by their hashes alone, and each travels once, when it is used: who has one took it from an end, or
//! from between an end and the relay, as whoever holds the CA can.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fernsicht_protocol::crypto::{Secret, hash};
use fernsicht_protocol::messages::{
    ALPN_AGENT, ALPN_CONSOLE, AgentToRelay, ConsoleToRelay, End, Refusal, RelayToAgent,
    RelayToConsole, SessionId, VERSION,
};
use fernsicht_protocol::net::{self, Connection, IDLE_TIMEOUT, Identity, Transport, quic};
use fernsicht_protocol::pairing::resume_token;
use fernsicht_protocol::wire::Blob;
use fernsicht_tests::clients::{self, Client};
use fernsicht_tests::flood::Scene;
use fernsicht_tests::operator::{Operator, Relay};
use fernsicht_tests::pair::{self, Paired};
use fernsicht_tests::programs::Programs;
use fernsicht_tests::reader::{Reader, Words};
use fernsicht_tests::session::{Backdrop, Layout, STEP};
use fernsicht_tests::tap::{self, Tap};
use fernsicht_tests::wait;
use tokio::sync::oneshot;
use tokio::time::timeout;

const BOTH: [Transport; 2] = [Transport::Quic, Transport::Tcp];
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the owner of a token is when the thief comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Connected,
    Away,
}

const ALL: [(Owner, Transport); 4] = [
    (Owner::Connected, Transport::Quic),
    (Owner::Connected, Transport::Tcp),
    (Owner::Away, Transport::Quic),
    (Owner::Away, Transport::Tcp),
];

/// What somebody shows to come back.
#[derive(Debug, Clone, Copy)]
struct Ticket {
    session: SessionId,
    token: [u8; 32],
    next_hash: [u8; 32],
}

impl Ticket {
    /// The nth of a side whose key is this.
    fn of(key: &Secret, session: SessionId, counter: u64) -> Self {
        Self {
            session,
            token: *resume_token(key, counter),
            next_hash: hash(resume_token(key, counter + 1).as_slice()),
        }
    }

    /// As a thief shows it: what comes behind it is his own.
    fn stolen(self) -> Self {
        Self {
            next_hash: [7; 32],
            ..self
        }
    }
}

/// A relay with two technicians and a session of the first one's.
struct Office {
    scene: Scene,
    other: Identity,
    _relay: Relay,
    _folder: tempfile::TempDir,
}

impl Office {
    async fn open() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let operator = Operator::new(Programs::find()?, folder.path())?;
        // All of them come from one network, and come in vain more often than one may.
        operator.configure_without_limits()?;
        let relay = operator.serve()?;
        let scene = Scene::set(&operator, &relay).await?;
        let (other, _) = clients::enrol_technician(&scene.address, &operator.token()?).await?;
        Ok(Self {
            scene,
            other,
            _relay: relay,
            _folder: folder,
        })
    }

    /// Two who are paired, and who have left the hashes of their first tokens.
    async fn session(&self) -> Result<Paired> {
        let Scene {
            address,
            pin,
            technician,
            ..
        } = &self.scene;
        let mut paired = pair::pair(address, pin, technician).await?;
        let first = |key: &Secret| hash(resume_token(key, 0).as_slice());
        let hash = first(&paired.agent_side.resume);
        paired.agent.say(&AgentToRelay::ResumeHash { hash }).await?;
        let hash = first(&paired.console_side.resume);
        let left = ConsoleToRelay::ResumeHash { hash };
        paired.console.say(&left).await?;
        talk(&mut paired).await?;
        Ok(paired)
    }

    async fn connect(
        &self,
        over: Transport,
        alpn: &[u8],
        identity: Option<&Identity>,
    ) -> Result<Client> {
        let Scene { address, pin, .. } = &self.scene;
        Client::on(net::connect_over(over, address, pin, alpn, identity).await?).await
    }

    /// Somebody comes with a ticket as an agent does.
    async fn as_agent(&self, over: Transport, ticket: Ticket) -> Result<(Client, RelayToAgent)> {
        resume_as_agent(self.connect(over, ALPN_AGENT, None).await?, ticket).await
    }

    /// Somebody comes with a ticket as a console does.
    async fn as_console(
        &self,
        over: Transport,
        identity: Option<&Identity>,
        ticket: Ticket,
    ) -> Result<(Client, RelayToConsole)> {
        let mut client = self.connect(over, ALPN_CONSOLE, identity).await?;
        client
            .say(&ConsoleToRelay::Hello { version: VERSION })
            .await?;
        let RelayToConsole::Hello { .. } = client.hear().await? else {
            bail!("the relay greets first")
        };
        let Ticket {
            session,
            token,
            next_hash,
        } = ticket;
        let resume = ConsoleToRelay::Resume {
            session,
            token,
            next_hash,
        };
        client.say(&resume).await?;
        let answer = client.hear().await?;
        Ok((client, answer))
    }
}

async fn resume_as_agent(mut client: Client, ticket: Ticket) -> Result<(Client, RelayToAgent)> {
    let hello = AgentToRelay::Hello {
        version: VERSION,
        configuration: [1; 32],
    };
    client.say(&hello).await?;
    let RelayToAgent::Hello { .. } = client.hear().await? else {
        bail!("the relay greets first")
    };
    let Ticket {
        session,
        token,
        next_hash,
    } = ticket;
    let resume = AgentToRelay::Resume {
        session,
        token,
        next_hash,
    };
    client.say(&resume).await?;
    let answer = client.hear().await?;
    Ok((client, answer))
}

const TAMPERED: RelayToAgent = RelayToAgent::Ended {
    reason: End::Tampered,
};
const NOT_RESUMABLE: RelayToAgent = RelayToAgent::Refused {
    reason: Refusal::NotResumable,
};
const NOT_RESUMABLE_CONSOLE: RelayToConsole = RelayToConsole::Refused {
    reason: Refusal::NotResumable,
};

/// A sealed word each way. Whoever reads on finds nothing that was said before it: so nobody was told anything meanwhile,
/// and what both had said to the relay it has read.
async fn talk(paired: &mut Paired) -> Result<()> {
    let packet = Blob(paired.agent_side.peer.seal(b"from the agent"));
    paired.agent.say(&AgentToRelay::Peer { packet }).await?;
    let said = paired.console.hear().await?;
    let RelayToConsole::Peer { packet } = said else {
        bail!("the console hears {said:?}")
    };
    let opened = paired.console_side.peer.open(&packet.0)?;
    ensure!(opened.as_deref() == Some(&b"from the agent"[..]));
    let packet = Blob(paired.console_side.peer.seal(b"from the console"));
    paired.console.say(&ConsoleToRelay::Peer { packet }).await?;
    let said = paired.agent.hear().await?;
    let RelayToAgent::Peer { packet } = said else {
        bail!("the agent hears {said:?}")
    };
    let opened = paired.agent_side.peer.open(&packet.0)?;
    ensure!(opened.as_deref() == Some(&b"from the console"[..]));
    Ok(())
}

/// The agent's line breaks; the console is told.
async fn lose_agent(paired: &mut Paired) -> Result<()> {
    paired.agent.connection.close(0, b"");
    let said: RelayToConsole = paired.console.hear().await?;
    ensure!(said == RelayToConsole::PeerLost, "{said:?}");
    Ok(())
}

/// The console's line breaks; the agent is told.
async fn lose_console(paired: &mut Paired) -> Result<()> {
    paired.console.connection.close(0, b"");
    let said: RelayToAgent = paired.agent.hear().await?;
    ensure!(said == RelayToAgent::PeerLost, "{said:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_has_served_brings_nobody_in() -> Result<()> {
    let office = Office::open().await?;
    let mut paired = office.session().await?;
    let session = paired.session;
    let agents = Ticket::of(&paired.agent_side.resume, session, 0);
    let consoles = Ticket::of(&paired.console_side.resume, session, 0);

    // Both come back with theirs once.
    lose_agent(&mut paired).await?;
    let (agent, answer) = office.as_agent(Transport::Quic, agents).await?;
    paired.agent = agent;
    let told: RelayToConsole = paired.console.hear().await?;
    ensure!((answer, told) == (RelayToAgent::Resumed, RelayToConsole::Resumed));
    lose_console(&mut paired).await?;
    let technician = Some(&office.scene.technician);
    let back = office
        .as_console(Transport::Tcp, technician, consoles)
        .await?;
    paired.console = back.0;
    let told: RelayToAgent = paired.agent.hear().await?;
    ensure!((back.1, told) == (RelayToConsole::Resumed, RelayToAgent::Resumed));
    talk(&mut paired).await?;

    for over in BOTH {
        let (_, answer) = office.as_agent(over, agents.stolen()).await?;
        ensure!(answer == NOT_RESUMABLE, "{answer:?} over {over}");
        // Even with the technician's own certificate.
        let thief = office.as_console(over, technician, consoles.stolen());
        let (_, answer) = thief.await?;
        ensure!(answer == NOT_RESUMABLE_CONSOLE, "{answer:?} over {over}");
        talk(&mut paired).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stolen_token_of_the_consoles_is_nothing_without_her_certificate() -> Result<()> {
    let office = Office::open().await?;
    for (owner, over) in ALL {
        let mut paired = office.session().await?;
        let own = Ticket::of(&paired.console_side.resume, paired.session, 0);
        let ticket = own.stolen();
        if owner == Owner::Away {
            lose_console(&mut paired).await?;
        }
        let colleague = office.as_console(over, Some(&office.other), ticket).await?;
        ensure!(colleague.1 == NOT_RESUMABLE_CONSOLE, "{:?}", colleague.1);
        let reason = Refusal::Unexpected;
        let nobody = office.as_console(over, None, ticket).await?;
        ensure!(
            nobody.1 == RelayToConsole::Refused { reason },
            "{:?}",
            nobody.1
        );
        let (_, answer) = office.as_agent(over, ticket).await?;
        ensure!(answer == NOT_RESUMABLE, "at the agents' door: {answer:?}");

        // Nobody was disturbed, and the token still serves whom it belongs to.
        if owner == Owner::Connected {
            talk(&mut paired).await?;
            lose_console(&mut paired).await?;
        }
        let technician = Some(&office.scene.technician);
        let (console, answer) = office.as_console(over, technician, own).await?;
        paired.console = console;
        let told: RelayToAgent = paired.agent.hear().await?;
        ensure!(
            (&answer, &told) == (&RelayToConsole::Resumed, &RelayToAgent::Resumed),
            "{answer:?}, {told:?}"
        );
        talk(&mut paired).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stolen_token_of_the_agents_gives_the_place_and_no_keys() -> Result<()> {
    let office = Office::open().await?;
    for (owner, over) in ALL {
        let mut paired = office.session().await?;
        let (key, session) = (paired.agent_side.resume.clone(), paired.session);
        if owner == Owner::Away {
            lose_agent(&mut paired).await?;
        }
        let first = Ticket::of(&key, session, 0);
        let (mut thief, answer) = office.as_agent(over, first.stolen()).await?;
        ensure!(answer == RelayToAgent::Resumed, "{answer:?}");
        if owner == Owner::Connected {
            // Who was there is not there beside him.
            let closed = timeout(PATIENCE, paired.agent.connection.closed()).await;
            closed.context("the owner keeps his place")?;
            let said: RelayToConsole = paired.console.hear().await?;
            ensure!(said == RelayToConsole::PeerLost, "{said:?}");
        }
        let said: RelayToConsole = paired.console.hear().await?;
        ensure!(said == RelayToConsole::Resumed, "{said:?}");

        // What the console says is for the agent's keys; what he says opens under none of the console's.
        let word = paired.console_side.peer.seal(b"for the agent alone");
        let packet = Blob(word.clone());
        paired.console.say(&ConsoleToRelay::Peer { packet }).await?;
        let RelayToAgent::Peer { packet } = thief.hear().await? else {
            bail!("the place is the agent's")
        };
        ensure!(packet.0 == word);
        let mut own = office.session().await?.agent_side.peer;
        ensure!(
            own.open(&word).is_err(),
            "keys of another session open nothing"
        );
        let packet = Blob(own.seal(b"from the agent, says the thief"));
        thief.say(&AgentToRelay::Peer { packet }).await?;
        let RelayToConsole::Peer { packet } = paired.console.hear().await? else {
            bail!("the console hears him")
        };
        ensure!(paired.console_side.peer.open(&packet.0).is_err());

        // The owner does not come in again, neither with this token nor with the next, and throws nobody out.
        for counter in [0, 1] {
            let ticket = Ticket::of(&key, session, counter);
            let (_, answer) = office.as_agent(over, ticket).await?;
            ensure!(answer == NOT_RESUMABLE, "{answer:?} to token {counter}");
        }
        // A console that finds a packet altered ends the session: then nobody has it.
        let reason = End::Tampered;
        paired.console.say(&ConsoleToRelay::End { reason }).await?;
        let said: RelayToAgent = thief.hear().await?;
        ensure!(said == TAMPERED, "{said:?}");
        for ticket in [first, Ticket::of(&key, session, 1)] {
            let (_, answer) = office.as_agent(over, ticket).await?;
            ensure!(answer == NOT_RESUMABLE, "{answer:?}");
        }
    }
    Ok(())
}

/// What a thief has got by a ticket.
type Place = (Client, RelayToAgent);

/// Where the first of those who come leaves what he has got.
type Hand = Arc<Mutex<Option<oneshot::Sender<Place>>>>;

/// Stands between an agent that comes back and the relay.
async fn stand_between(endpoint: quinn::Endpoint, tap: tap::Place, hand: Hand) {
    while let Some(incoming) = endpoint.accept().await {
        let work = between(incoming, tap.clone(), Arc::clone(&hand));
        // A try that its agent gave up is none.
        tokio::spawn(async move { work.await.ok() });
    }
}

/// Comes with the first ticket that is shown himself, hangs up on whose it is, and hands on whatever is said later.
async fn between(incoming: quinn::Incoming, tap: tap::Place, hand: Hand) -> Result<()> {
    let agent = Connection::from(incoming.await?);
    let (mut to_agent, mut from_agent) = agent.accept_messages().await?;
    let connect = || Client::connect(&tap.relay, &tap.pin, ALPN_AGENT, None);
    let mut relay = connect().await?;
    while let Some(said) = from_agent.next::<AgentToRelay>().await? {
        let first = matches!(said, AgentToRelay::Resume { .. });
        let hand = first.then(|| lock(&hand).take()).flatten();
        if let (AgentToRelay::Resume { session, token, .. }, Some(hand)) = (&said, hand) {
            let ticket = Ticket {
                session: *session,
                token: *token,
                next_hash: [7; 32],
            };
            let place = resume_as_agent(connect().await?, ticket).await?;
            // Nobody waits for it any more if the test has failed.
            hand.send(place).ok();
            agent.close(0, b"network error");
            break;
        }
        relay.say(&said).await?;
        to_agent.send(&relay.hear::<RelayToAgent>().await?).await?;
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The real programs: what is lost is the session, and nothing else.
#[test]
fn who_steals_the_agents_place_ends_the_session_and_both_ends_say_so() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let reader = Arc::new(Reader::start(folder.path())?);
    let backdrop = Backdrop::raise(Programs::find()?, folder.path(), Layout::default())?;
    let mut stage = backdrop.read_by(Arc::clone(&reader)).open()?;
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    stage.consent_to_control()?;
    stage.same_picture(STEP)?;
    stage.observer.clear()?;

    // The line breaks without a word, and the thief stands where it was.
    let (place, address) = (stage.operator.place()?, stage.tap.address());
    stage.tap = Tap::start(place.clone())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let _inside = runtime.enter();
    let endpoint = wait::until("the tap's port", STEP, || {
        Ok(quic::server(address, &place.identity, place.pin.ca).ok())
    })?;
    let (hand, taken) = oneshot::channel();
    let hand = Arc::new(Mutex::new(Some(hand)));
    runtime.spawn(stand_between(endpoint, place, hand));
    let taken = runtime.block_on(async { timeout(IDLE_TIMEOUT + PATIENCE * 2, taken).await });
    let (mut thief, answer) = taken.context("the agent does not come back")??;
    ensure!(answer == RelayToAgent::Resumed, "{answer:?}");

    // Neither of the two that have keys gives or shows anything, and each says why.
    let (agent, console) = (stage.agent.pid(), stage.console.pid());
    reader.wait(agent, &Words::agent("error-connection-lost")?, STEP)?;
    reader.wait(console, &Words::console("cause-lost")?, STEP)?;
    let told = runtime.block_on(async { timeout(PATIENCE, make_up(&mut thief)).await });
    let told = told.context("nobody finds out").flatten();
    told.with_context(|| stage.relay.log().unwrap_or_default())?;
    reader.wait(console, &Words::console("ended-tampered")?, STEP)?;
    ensure!(stage.observer.by_programs()? == 0, "something was injected");
    wait::until_true("a sound recording", STEP, || {
        let verified = stage.operator.try_command(&["recordings", "verify"])?;
        Ok(verified.status.success())
    })?;
    stage.check()
}

/// Packets of every number that can be the next, with a ciphertext of the thief's own, until the session is over as
/// tampered with. He goes on while the console says goodbye: that must get through.
async fn make_up(thief: &mut Client) -> Result<()> {
    let mut heard = Vec::new();
    let mut number = 0u64;
    while heard.last() != Some(&TAMPERED) {
        tokio::select! {
            said = thief.hear() => {
                heard.push(said.with_context(|| format!("the thief heard {heard:?}"))?);
            }
            () = tokio::time::sleep(Duration::from_millis(2)) => {
                let packet = Blob([&number.to_be_bytes()[..], &[7; 64]].concat());
                // Refused once the session is over, which he is told next.
                thief.say(&AgentToRelay::Peer { packet }).await.ok();
                number += 1;
            }
        }
    }
    Ok(())
}
