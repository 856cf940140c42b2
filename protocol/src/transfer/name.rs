//! Names and texts of strangers, made harmless before a person reads them or a disk takes them.

/// The longest name of a file, in bytes of UTF-8.
pub const LONGEST_NAME: usize = 200;

/// What a file is called whose name has nothing to keep.
const NAMELESS: &str = "file";

/// Names that some systems take for devices, whatever stands behind the first dot.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// The name under which a stranger's file may lie in a folder: one component, visible, no device on any system, at
/// most [`LONGEST_NAME`] bytes, reading as it is written. A harmless name stays as it is.
pub fn harmless(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut clean: String = last
        .chars()
        .filter(|c| !hidden(*c))
        .map(|c| match c {
            '<' | '>' | ':' | '"' | '|' | '?' | '*' => '_',
            c if c.is_whitespace() => ' ',
            c => c,
        })
        .collect();
    let edge = |c: char| c == ' ' || c == '.';
    clean = clean
        .trim_start_matches(edge)
        .trim_end_matches(edge)
        .to_owned();
    if clean.is_empty() {
        clean = NAMELESS.to_owned();
    }
    if device(&clean) {
        clean.insert(0, '_');
    }
    shortened(&clean, "")
}

/// The same name with a number before its ending, for a folder that has it already: `report (2).pdf`.
pub fn with_number(name: &str, number: u32) -> String {
    shortened(name, &format!(" ({number})"))
}

/// The beginning of a stranger's text as one line that reads as it is written, and whether that is all.
pub fn preview(text: &str, most: usize) -> (String, bool) {
    let mut line = String::new();
    let mut shown = 0;
    for c in text.chars() {
        if hidden(c) && !c.is_whitespace() {
            continue;
        }
        let c = if c.is_whitespace() { ' ' } else { c };
        if c == ' ' && (line.is_empty() || line.ends_with(' ')) {
            continue;
        }
        if shown == most {
            return (line.trim_end().to_owned(), false);
        }
        line.push(c);
        shown += 1;
    }
    (line.trim_end().to_owned(), true)
}

/// A size as people read it, with the language's decimal sign.
pub fn size_text(bytes: u64, decimal: char) -> String {
    let (unit, name) = match bytes {
        0..1_000 => return format!("{bytes} B"),
        1_000..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    let tenths = bytes / (unit / 10);
    let (whole, tenth) = (tenths / 10, tenths % 10);
    match whole >= 100 {
        true => format!("{whole} {name}"),
        false => format!("{whole}{decimal}{tenth} {name}"),
    }
}

/// Characters that are not seen, or that turn or join what is seen.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

fn device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let stem = stem.to_lowercase();
    if DEVICES.contains(&stem.as_str()) {
        return true;
    }
    let number = stem.strip_prefix("com").or(stem.strip_prefix("lpt"));
    number.is_some_and(|number| {
        let mut digits = number.chars();
        matches!(
            (digits.next(), digits.next()),
            (Some('0'..='9' | '¹' | '²' | '³'), None)
        )
    })
}

/// Name and ending with `middle` between them, within the cap: the stem gives way.
fn shortened(name: &str, middle: &str) -> String {
    const LONGEST_ENDING: usize = 16;
    let dot = name.rfind('.').filter(|at| *at > 0);
    let dot = dot.filter(|at| name.len() - at <= LONGEST_ENDING);
    let (stem, ending) = name.split_at(dot.unwrap_or(name.len()));
    let mut room = LONGEST_NAME - ending.len() - middle.len();
    while !stem.is_char_boundary(room.min(stem.len())) {
        room -= 1;
    }
    let stem = match room < stem.len() {
        true => stem[..room].trim_end_matches([' ', '.']),
        false => stem,
    };
    format!("{stem}{middle}{ending}")
}
