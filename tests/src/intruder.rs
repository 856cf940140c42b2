//! A program on the customer's computer that a technician has started while in control, and that goes on: an
//! `xdotool` script that fires at one button of the agent's, again and again.
//!
//! ```text
//! Script::write ─► a shell runs it ─► aim ─► fires … ─► rest ─► aim ─► … ─► drop ends it
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The script and the files by which it is told what to do.
#[derive(Debug)]
pub struct Script {
    folder: PathBuf,
}

/// How it fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fire {
    /// Clicks and keys of the XTEST devices.
    Forged,
    /// Clicks and keys sent to the window as events, past all devices.
    Sent,
}

/// At what.
#[derive(Debug, Clone, Copy)]
pub struct Aim {
    /// The agent's window.
    pub window: u32,
    /// The middle of the button on the screen.
    pub at: (i32, i32),
    /// How many Tabs lead to the button.
    pub tabs: usize,
}

impl Script {
    /// Writes it into `folder`.
    pub fn write(folder: &Path) -> Result<Self> {
        let folder = folder.join("s");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("s"), SCRIPT)?;
        Ok(Self { folder })
    }

    /// What starts it in a shell.
    pub fn command(&self) -> String {
        format!("sh {}", self.folder.join("s").display())
    }

    /// True once it runs.
    pub fn started(&self) -> bool {
        self.folder.join("started").exists()
    }

    /// From now on it fires, about once in 1.5 s: a granting button needs a second in sight after each refusal.
    pub fn aim(&self, fire: Fire, aim: Aim) -> Result<()> {
        let Aim {
            window,
            at: (x, y),
            tabs,
        } = aim;
        let mode = match fire {
            Fire::Forged => "forged",
            Fire::Sent => "sent",
        };
        let text = format!(
            "MODE={mode}\nWINDOW={window}\nX={x}\nY={y}\nTABS='{}'\n",
            "Tab ".repeat(tabs)
        );
        let draft = self.folder.join("draft");
        fs::write(&draft, text)?;
        Ok(fs::rename(draft, self.folder.join("aim"))?)
    }

    /// It goes on running, and waits.
    pub fn rest(&self) -> Result<()> {
        fs::remove_file(self.folder.join("aim")).context("it has been aimed")
    }

    /// How often it has fired.
    pub fn fired(&self) -> usize {
        // Nothing yet is none.
        fs::read_to_string(self.folder.join("fired")).map_or(0, |lines| lines.lines().count())
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // Without its folder it ends as well.
        fs::write(self.folder.join("stop"), "").ok();
    }
}

const SCRIPT: &str = r#"
cd "$(dirname "$0")" || exit
: > started
round=0
while [ -e started ] && [ ! -e stop ]; do
    if [ ! -e aim ]; then
        sleep 0.1
        continue
    fi
    . ./aim
    round=$((round + 1))
    case $MODE$((round % 3)) in
    forged0) xdotool mousemove $X $Y click 1 ;;
    forged1) xdotool windowfocus $WINDOW key --delay 200 Escape $TABS space ;;
    forged2) xdotool windowfocus $WINDOW key --delay 200 Escape $TABS Return ;;
    sent0) xdotool mousemove $X $Y click --window $WINDOW 1 ;;
    sent1) xdotool windowfocus $WINDOW key --window $WINDOW --delay 200 Escape $TABS space ;;
    sent2) xdotool windowfocus $WINDOW key --window $WINDOW --delay 200 Escape $TABS Return ;;
    esac
    echo "$MODE" >> fired
    sleep 1.2
done
"#;
