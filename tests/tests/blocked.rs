//! A network that lets no UDP through: the real programs meet over TLS/TCP by themselves.
//!
//! Everything runs in a network namespace of its own, whose loopback drops every UDP packet.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fernsicht_tests::observer::Target;
use fernsicht_tests::programs::Programs;
use fernsicht_tests::scenery;
use fernsicht_tests::session::{Backdrop, Layout, STEP};
use fernsicht_tests::wait;

/// Set for the test's second start, inside the namespace.
const INSIDE: &str = "FERNSICHT_TEST_INSIDE";

static ALONE: Mutex<()> = Mutex::new(());

const NETWORK: &str = "ip link set lo up && nft add table inet fernsicht && \
     nft 'add chain inet fernsicht arriving { type filter hook input priority 0; }'";

const BLOCK: &str = "nft add rule inet fernsicht arriving meta l4proto udp counter drop";

const TYPED: &str = "Ohne UDP geht es auch";

#[test]
fn without_udp_a_controlled_session_goes_over_tcp_and_is_recorded() -> Result<()> {
    in_a_namespace(
        "without_udp_a_controlled_session_goes_over_tcp_and_is_recorded",
        &format!("{NETWORK} && {BLOCK}"),
        session,
    )
}

#[test]
fn a_session_whose_udp_is_cut_off_goes_on_over_tcp() -> Result<()> {
    in_a_namespace(
        "a_session_whose_udp_is_cut_off_goes_on_over_tcp",
        NETWORK,
        cut_off,
    )
}

/// Runs `test` in a second start of this program, in a network of its own.
#[expect(
    clippy::print_stderr,
    reason = "who reads the run must see what was not run"
)]
fn in_a_namespace(name: &str, network: &str, test: fn() -> Result<()>) -> Result<()> {
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    // X servers of two namespaces that start at once take the same number.
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let inside = |then: &str| {
        let mut command = Command::new("unshare");
        let script = format!("{network} && {then}");
        command.args(["--net", "sh", "-c", &script, "sh"]);
        command
    };
    let permitted = inside("true").stderr(Stdio::null()).status();
    if !permitted.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: no network namespace with nftables can be made here (root?)");
        return Ok(());
    }
    let status = inside("exec \"$@\"")
        .arg(std::env::current_exe()?)
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "yes")
        .env("FERNSICHT_LOG", "info,fernsicht_relay=debug")
        .status()?;
    ensure!(status.success(), "inside the namespace: {status}");
    Ok(())
}

/// Idle until the old connections count as lost, then both sides are back by the other way.
fn cut_off() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let layout = Layout {
        tapped: false,
        ..Layout::default()
    };
    let backdrop = Backdrop::raise(Programs::find()?, folder.path(), layout)?;
    let mut stage = backdrop.open()?;
    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    stage.consent_to_control()?;
    stage.same_picture(STEP)?;
    let over = |log: &str, transport: &str| log.matches(&format!("transport={transport}")).count();
    let before = stage.relay.log()?;
    ensure!(
        over(&before, "TLS/TCP") == 0 && over(&before, "QUIC") >= 3,
        "{before}"
    );

    let status = Command::new("sh").args(["-c", BLOCK]).status()?;
    ensure!(status.success(), "the rule is set: {status}");
    wait::until_true("both sides to be back", STEP * 4, || {
        let log = stage.relay.log()?;
        Ok(over(&log, "TLS/TCP") >= 2 && log.matches("a side is back").count() >= 2)
    })
    .with_context(|| stage.relay.log().unwrap_or_default())?;
    stage.same_picture(STEP)?;
    stage.check()
}

fn session() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let layout = Layout {
        tapped: false,
        ..Layout::default()
    };
    let backdrop = Backdrop::raise(Programs::find()?, folder.path(), layout)?;
    let home = scenery::home(folder.path())?;
    let (editor, file) = scenery::editor(&backdrop.customer_screen, &home, "brief.txt")?;
    editor.window().arrange(30, 220, 520, 420)?;
    let target = Target::show(backdrop.customer_screen.display(), 1090, 640, 160, 120)?;
    let mut stage = backdrop.open()?;

    let code = stage.code()?;
    stage.customer.enter_code(&code)?;
    stage.consent_to_control()?;
    stage.same_picture(STEP)?;
    let (x, y) = target.centre();
    wait::until_true("a click to arrive", STEP, || {
        stage.technician.click(x, y, 1)?;
        Ok(!target.presses()?.is_empty())
    })?;
    stage.technician.click(290, 500, 1)?;
    std::thread::sleep(Duration::from_millis(500));
    stage.technician.type_text(TYPED)?;
    let keys = &[fernsicht_tests::keymap::keysyms::CONTROL];
    wait::until_true("the typed text", STEP, || {
        stage.technician.shortcut(keys, 's')?;
        std::thread::sleep(Duration::from_millis(300));
        Ok(std::fs::read_to_string(&file)?.trim_end() == TYPED)
    })?;
    stage.same_picture(STEP)?;
    stage.check()?;
    stage.end_by_customer()?;

    // The auditor's program comes over the same network.
    let verified = wait::until("the recording to be closed", STEP, || {
        let receipts = stage.operator.receipts()?;
        let receipt = receipts.last().context("no receipt")?;
        let receipt = receipt.to_str().context("paths of tests are text")?;
        let arguments = ["verify", "--receipt", receipt, "--case", "Fall 1"];
        let output = stage.auditors[0].run(&arguments)?;
        Ok((output.status.code() == Some(0)).then_some(output))
    })?;
    ensure!(!verified.stdout.is_empty());

    // Nobody came by UDP, although everybody tried.
    let log = stage.relay.log()?;
    let over = |transport: &str| log.matches(&format!("transport={transport}")).count();
    ensure!(over("TLS/TCP") >= 3 && over("QUIC") == 0, "{log}");
    for name in ["agent.log", "console.log"] {
        let said = std::fs::read_to_string(Path::new(&stage.folder).join(name))?;
        ensure!(
            said.contains("TLS/TCP") && !said.contains("QUIC"),
            "{name}: {said}"
        );
    }
    let rules = Command::new("nft").args(["list", "ruleset"]).output()?;
    let rules = String::from_utf8_lossy(&rules.stdout).into_owned();
    ensure!(
        rules.contains("udp counter packets") && !rules.contains("udp counter packets 0 "),
        "QUIC was not tried: {rules}"
    );
    Ok(())
}
