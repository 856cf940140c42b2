//! What the technician's keyboard types is what ordinary editors at the customer's save, whatever both layouts are;
//! afterwards the customer's keyboard is as it was.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fernsicht_tests::device::Device;
use fernsicht_tests::dice::Dice;
use fernsicht_tests::keyboard::editors::Kind;
use fernsicht_tests::keyboard::hands::Arrivals;
use fernsicht_tests::keyboard::layout::{self, EXTRA, Layout};
use fernsicht_tests::keyboard::matrix::{Matrix, keys_down};
use fernsicht_tests::keymap::keysyms::{ALT, ALT_GR, CONTROL, SHIFT};
use fernsicht_tests::observer::{Act, Maker};
use fernsicht_tests::programs::Programs;
use fernsicht_tests::session::STEP;
use fernsicht_tests::wait;

const CAPS_LOCK: u32 = 0xffe5;
const NUM_LOCK: u32 = 0xff7f;
const ARROW_RIGHT: u32 = 0xff53;

#[test]
fn what_is_typed_is_what_editors_save() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut dice = Dice::fresh();
    let seed = format!("FERNSICHT_DICE={:#x}", dice.seed());
    let kinds = [Kind::Gtk, Kind::Terminal, Kind::Browser];
    let mut matrix = Matrix::open(Programs::find()?, folder.path(), &kinds)?;
    let [us, de, fr, ch, pl] = ["us", "de", "fr", "ch", "pl"].map(Layout::named);
    matrix.customer_takes(us)?;
    for typed in matrix.pair(us, de, &mut dice)? {
        ensure!(typed.wrong.is_none(), "{seed}: {:?}", typed.complaint());
    }
    held_keys_repeat(&mut matrix, us, de).context("a held key")?;
    a_stalled_line_repeats_nothing(&mut matrix, us, de).context("a key on a stalled line")?;

    // Another layout in the middle of the session, while CapsLock and NumLock are on.
    let locks = Device::injected(matrix.stage.customer_screen.display())?;
    for (customer, technician, editor) in [(fr, pl, 0), (de, ch, 1), (ch, us, 2)] {
        matrix.customer_takes(customer)?;
        locks.key(CAPS_LOCK)?;
        locks.key(NUM_LOCK)?;
        let technician = matrix.technician_takes(technician)?;
        let text = layout::text(&technician.characters, &mut dice);
        let typed = matrix.type_into(editor, customer, &technician, &text)?;
        ensure!(typed.wrong.is_none(), "{seed}: {:?}", typed.complaint());
        for lock in [CAPS_LOCK, NUM_LOCK] {
            locks.key(lock)?;
        }
    }
    // They change what is in the browser's field, which is not used again.
    matrix.customer_takes(us)?;
    shortcuts(&matrix, de).context("shortcuts")?;
    // A third group, where nothing of the technician's text is to be had but spare keys.
    let display = matrix.stage.customer_screen.display().to_owned();
    let groups = ["-layout", "us,de,gr,ru", "-variant", ",,,"];
    matrix.stage.customer_screen.run("setxkbmap", &groups)?;
    matrix.customer_has_changed()?;
    lock_group(&display, 2)?;
    let technician = matrix.technician_takes(de)?;
    let typed = matrix.type_into(0, us, &technician, &format!("Ein Gruß: {EXTRA}"))?;
    ensure!(typed.wrong.is_none(), "{:?}", typed.complaint());
    lock_group(&display, 0)?;
    matrix.customer_ends_control()
}

#[test]
fn a_killed_agent_leaves_the_customers_keyboard_alone() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut matrix = Matrix::open(Programs::find()?, folder.path(), &[Kind::Terminal])?;
    let (us, de) = (Layout::named("us"), Layout::named("de"));
    matrix.customer_takes(us)?;
    let technician = matrix.technician_takes(de)?;
    let typed = matrix.type_into(0, us, &technician, EXTRA)?;
    ensure!(typed.wrong.is_none(), "{:?}", typed.complaint());
    ensure!(matrix.untouched_now().is_err(), "spare keys were in use");
    let down = || keys_down(&matrix.stage.customer_screen);
    let device = technician.hands.device();
    for key in [SHIFT, CONTROL] {
        device.key_event(key, true)?;
    }
    device.key_event(ARROW_RIGHT, true)?;
    wait::until_true("a key to be held at the customer's", STEP, || {
        Ok(down()?.len() == 3)
    })?;
    matrix.stage.agent.kill()?;
    for key in [ARROW_RIGHT, CONTROL, SHIFT] {
        technician.hands.device().key_event(key, false)?;
    }
    matrix.untouched()
}

/// Which keys go down at the customer's, when keys go down at the technician's.
fn shortcuts(matrix: &Matrix, technician: Layout) -> Result<()> {
    const CONTROL_RIGHT: u32 = 0xffe4;
    const F6: u32 = 0xffc3;
    const PAD_PLUS: u32 = 0xffab;
    let (z, q, two) = (u32::from('z'), u32::from('q'), u32::from('2'));
    let technician = matrix.technician_takes(technician)?;
    let device = technician.hands.device();
    let screen = &matrix.stage.customer_screen;
    let arrivals = Arrivals::at(screen, &matrix.stage.observer)?;
    let theirs = Device::injected(screen.display())?;
    let cases: [(&[u32], u32, &[u32], u32); 6] = [
        // Z and Y change places between these two.
        (&[CONTROL], z, &[CONTROL], z),
        (&[CONTROL, SHIFT], z, &[CONTROL, SHIFT], z),
        (&[ALT], F6, &[ALT], F6),
        // AltGr is not Ctrl+Alt; and what it makes, at signs here, is what the shortcut is made with.
        (&[ALT_GR], q, &[SHIFT], two),
        (&[CONTROL, ALT_GR], q, &[CONTROL, SHIFT], two),
        (&[CONTROL_RIGHT], PAD_PLUS, &[CONTROL_RIGHT], PAD_PLUS),
    ];
    for (held, key, there, made) in cases {
        matrix.stage.observer.clear()?;
        device.shortcut_key(held, key)?;
        let mut wanted: Vec<u8> = Vec::new();
        for keysym in there.iter().chain([&made]) {
            wanted.push(theirs.keycode(*keysym)?);
        }
        wanted.sort_unstable();
        arrivals.wait_for(1)?;
        let what = format!("{held:x?} and {key:x} to go up again");
        wait::until_true(&what, STEP, || Ok(keys_down(screen)?.is_empty()))?;
        let seen = matrix.stage.observer.seen()?;
        let mut downs: Vec<u8> = seen
            .iter()
            .filter_map(|seen| match (seen.maker, seen.act) {
                (Maker::Program, Act::KeyDown(key)) => Some(key),
                _ => None,
            })
            .collect();
        downs.sort_unstable();
        ensure!(
            downs == wanted,
            "{held:x?} and {key:x}: {downs:?} went down, not {wanted:?}"
        );
    }
    Ok(())
}

/// What repeats at the technician's arrives as often, and ends with the key.
fn held_keys_repeat(matrix: &mut Matrix, customer: Layout, technician: Layout) -> Result<()> {
    let technician = matrix.technician_takes(technician)?;
    let device = technician.hands.device();
    let arrivals = Arrivals::at(&matrix.stage.customer_screen, &matrix.stage.observer)?;
    matrix.editor(1).focus(device, &arrivals)?;
    matrix.stage.observer.clear()?;
    let sharp_s = u32::from('ß');
    device.key_event(sharp_s, true)?;
    arrivals.wait_for(4)?;
    device.key_event(sharp_s, false)?;
    let last = settled(&arrivals)?;
    let typed = matrix.type_into(1, customer, &technician, "e")?;
    let wrong = typed.wrong.unwrap_or_default();
    ensure!(
        wrong.contains(&format!("there {:?}", "ß".repeat(last) + "e")),
        "{last} arrived: {wrong}"
    );
    Ok(())
}

/// What would end a press does not come: the key goes up at the customer's before anything repeats it.
fn a_stalled_line_repeats_nothing(
    matrix: &mut Matrix,
    customer: Layout,
    technician: Layout,
) -> Result<()> {
    let technician = matrix.technician_takes(technician)?;
    let device = technician.hands.device();
    let arrivals = Arrivals::at(&matrix.stage.customer_screen, &matrix.stage.observer)?;
    matrix.editor(1).focus(device, &arrivals)?;
    matrix.stage.observer.clear()?;
    device.key_event(ARROW_RIGHT, true)?;
    arrivals.wait_for(1)?;
    matrix.stage.console.stop()?;
    // Well before the line counts as lost, which lets go of everything.
    let up = wait::until_true("the key to go up", STEP / 3, || {
        Ok(keys_down(&matrix.stage.customer_screen)?.is_empty())
    });
    let pressed = arrivals.count()?;
    matrix.stage.console.go_on()?;
    up?;
    ensure!(pressed == 1, "{pressed} presses arrived");
    device.key_event(ARROW_RIGHT, false)?;
    settled(&arrivals)?;
    // Ends the line, in which the arrow left what terminals make of it.
    matrix.type_into(1, customer, &technician, "e").map(drop)
}

/// Waits until nothing more arrives, and returns how much did.
fn settled(arrivals: &Arrivals<'_>) -> Result<usize> {
    let mut last = 0;
    wait::until_true("the key to end", STEP, || {
        let before = std::mem::replace(&mut last, arrivals.count()?);
        std::thread::sleep(Duration::from_millis(200));
        Ok(before == last)
    })?;
    Ok(last)
}

fn lock_group(display: &str, group: u8) -> Result<()> {
    use x11rb::protocol::xkb::{ConnectionExt as _, Group, ID};
    use x11rb::protocol::xproto::ModMask;
    let (connection, _) = x11rb::connect(Some(display))?;
    connection.xkb_use_extension(1, 0)?.reply()?;
    let none = ModMask::from(0u16);
    connection
        .xkb_latch_lock_state(
            ID::USE_CORE_KBD.into(),
            none,
            none,
            true,
            Group::from(group),
            none,
            false,
            0,
        )?
        .check()?;
    Ok(())
}
