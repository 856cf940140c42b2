//! Lookups on a few keys of the German layout.

use x11rb::protocol::xkb::{KTMapEntry, ModDef, VMod};

use super::*;

const NUM: u8 = 1 << 4;
const MOD5: u8 = 1 << 7;
const SHIFT: u32 = 0xffe1;
const ALT_GR: u32 = 0xfe03;

/// A type whose levels are led to by these bits, and how many of its first entries keep CapsLock.
fn kind(mask: u8, levels: &[(u8, u8)], keeps: usize) -> KeyType {
    let mods = |bits: u8| ModMask::from(bits);
    let none = VMod::from(0u16);
    KeyType {
        mods_mask: mods(mask),
        mods_mods: mods(mask),
        mods_vmods: none,
        num_levels: levels.iter().map(|(_, level)| level + 1).max().unwrap_or(1),
        has_preserve: keeps > 0,
        map: levels
            .iter()
            .map(|(bits, level)| KTMapEntry {
                active: true,
                mods_mask: mods(*bits),
                level: *level,
                mods_mods: mods(*bits),
                mods_vmods: none,
            })
            .collect(),
        preserve: (0..levels.len())
            .filter(|_| keeps > 0)
            .map(|index| ModDef {
                mask: mods(if index < keeps { LOCK_BIT } else { 0 }),
                real_mods: mods(0),
                vmods: none,
            })
            .collect(),
    }
}

fn german() -> Keymap {
    let (shift, lock) = (SHIFT_BIT, LOCK_BIT);
    let third = [(shift, 1), (MOD5, 2), (shift | MOD5, 3)];
    let plus_lock = [
        (lock, 4),
        (shift | lock, 1),
        (MOD5 | lock, 2),
        (shift | MOD5 | lock, 3),
    ];
    let types = vec![
        kind(0, &[], 0),
        kind(shift, &[(shift, 1)], 0),
        kind(shift | lock, &[(shift, 1), (lock, 1)], 0),
        kind(shift | NUM, &[(shift, 1), (NUM, 1)], 0),
        kind(shift | MOD5, &third, 0),
        kind(
            shift | lock | MOD5,
            &[&third[..], &plus_lock[..]].concat(),
            0,
        ),
        kind(
            shift | MOD5 | 0b1100,
            &[&third[..], &[(0b1100, 4)]].concat(),
            0,
        ),
    ];
    let rows: [(u8, u8, &[u32]); 9] = [
        (24, 4, &[0x71, 0x51, 0x40, 0x7d9]),            // q Q @ Ω
        (26, 4, &[0x65, 0x45, 0x20ac, 0]),              // e E €
        (48, 2, &[0xe4, 0xc4]),                         // ä Ä
        (20, 5, &[0xdf, 0x3f, 0x5c, 0xbf, 0x100_1e9e]), // ß ? \ ¿ ẞ
        (50, 0, &[SHIFT]),
        (79, 3, &[0xff95, 0xffb7]), // KP_Home KP_7
        (67, 6, &[0xffbe, 0xffbe, 0xffbe, 0xffbe, 0x1008_fe01]), // F1, with Ctrl+Alt another terminal
        (95, 0, &[F11]),
        (108, 0, &[ALT_GR]),
    ];
    let other = (1, vec![0x61, 0x41]);
    let mut keys: Vec<(u8, Vec<u32>)> = vec![other; 248];
    for (key, index, symbols) in rows {
        keys[usize::from(key - 8)] = (index, symbols.to_vec());
    }
    keys[200 - 8] = (0, Vec::new());
    let keys = keys
        .into_iter()
        .map(|(index, syms)| KeySymMap {
            kt_index: [index; 4],
            group_info: u8::from(!syms.is_empty()),
            width: u8::try_from(syms.len()).unwrap(),
            syms,
        })
        .collect();
    Keymap::new(8, types, keys, vec![(50, SHIFT_BIT), (108, MOD5)])
}

const CAPS: Mode = Mode {
    group: 0,
    locked: LOCK_BIT,
};

fn stroke(keycode: u8, with: &'static [Shifter]) -> Option<Stroke> {
    Some(Stroke { keycode, with })
}

#[test]
fn levels_are_resolved() {
    let (map, mode) = (german(), Mode::default());
    assert_eq!(map.stroke_for('q', mode), stroke(24, &[]));
    assert_eq!(map.stroke_for('Ä', mode), stroke(48, &[Shifter::Shift]));
    assert_eq!(map.stroke_for('@', mode), stroke(24, &[Shifter::Third]));
    assert_eq!(map.stroke_for('€', mode), stroke(26, &[Shifter::Third]));
    let both = stroke(20, &[Shifter::Shift, Shifter::Third]);
    assert_eq!(map.stroke_for('¿', mode), both);
    assert_eq!(map.stroke_for('ß', mode), stroke(20, &[]));
    assert_eq!(map.stroke_for('ø', mode), None);
}

#[test]
fn a_group_that_a_key_lacks_is_brought_back_as_the_key_says() {
    let (mut map, third) = (
        german(),
        Mode {
            group: 2,
            locked: 0,
        },
    );
    assert_eq!(map.stroke_for('q', third), stroke(24, &[]));
    let key = &mut map.keys[24 - 8];
    (key.group_info, key.width) = (3, 2);
    key.kt_index = [1; 4];
    key.syms = vec![0x71, 0x51, 0x78, 0x58, 0x6ca, 0x6ea];
    assert_eq!(map.stroke_for('й', third), stroke(24, &[]));
    assert_eq!(map.stroke_for('q', third), None);
    let seventh = Mode {
        group: 3,
        locked: 0,
    };
    assert_eq!(map.stroke_for('q', seventh), stroke(24, &[]), "wrapped");
    map.keys[24 - 8].group_info |= 0x40;
    assert_eq!(map.stroke_for('й', seventh), stroke(24, &[]), "clamped");
    map.keys[24 - 8].group_info = 3 | 0x80 | 0x10;
    assert_eq!(map.stroke_for('x', seventh), stroke(24, &[]), "redirected");
}

#[test]
fn caps_lock_is_undone_by_shift_or_named_missing() {
    let map = german();
    assert_eq!(map.stroke_for('ä', CAPS), stroke(48, &[Shifter::Shift]));
    assert_eq!(map.stroke_for('Ä', CAPS), stroke(48, &[]));
    assert_eq!(map.stroke_for('?', CAPS), stroke(20, &[Shifter::Shift]));
    assert_eq!(map.stroke_for('ẞ', CAPS), stroke(20, &[]));
    assert_eq!(map.stroke_for('ß', CAPS), None);
    assert_eq!(map.stroke_for('@', CAPS), stroke(24, &[Shifter::Third]));
    assert_eq!(
        map.stroke_for('Ω', CAPS),
        None,
        "programs may change its case"
    );
    assert!(capital('ß', CAPS) && !capital('日', CAPS) && !capital('ß', Mode::default()));
    assert_eq!(map.four_levels(), Some(4));
    assert_eq!(pair_for('ö'), [0xf6, 0xd6]);
    assert_eq!(pair_for('ß'), [0xdf, 0xdf]);
    assert_eq!(pair_under_caps('ß'), [0x20, 0xdf]);
    assert_eq!(pair_under_caps('ö'), [0xf6, 0xd6]);
    assert_eq!(pair_for('‰'), [0x100_2030; 2]);
}

#[test]
fn a_type_that_keeps_caps_lock_leaves_the_case_to_programs() {
    let mut map = german();
    map.types[2] = kind(
        SHIFT_BIT | LOCK_BIT,
        &[(SHIFT_BIT, 1), (LOCK_BIT, 1), (SHIFT_BIT | LOCK_BIT, 0)],
        3,
    );
    assert_eq!(map.stroke_for('ä', CAPS), None);
}

#[test]
fn caps_lock_that_changes_nothing_on_a_key_counts_as_unused() {
    let mut map = german();
    map.keys[48 - 8].syms = vec![0x2b9, 0x2b9]; // dotless i
    assert_eq!(map.stroke_for('ı', CAPS), None);
    map.keys[48 - 8].syms = vec![0x20, 0x2b9];
    assert_eq!(map.stroke_for('ı', CAPS), stroke(48, &[]));
}

#[test]
fn symbols_for_shortcuts() {
    let (map, mode) = (german(), Mode::default());
    assert_eq!(map.stroke_for_symbol(0x51, mode), stroke(24, &[]));
    let seven = stroke(79, &[Shifter::Shift]);
    assert_eq!(map.stroke_for_symbol(0xffb7, mode), seven);
    let num = Mode {
        group: 0,
        locked: NUM,
    };
    assert_eq!(map.stroke_for_symbol(0xffb7, num), stroke(79, &[]));
    assert_eq!(map.stroke_for_symbol(0xff95, num), seven);
    // The right Shift, where there is only a left one.
    assert_eq!(map.stroke_for_symbol(0xffe2, mode), stroke(50, &[]));
}

#[test]
fn what_held_keys_make_of_a_key() {
    let (mut map, mode) = (german(), Mode::default());
    map.bits.extend([(37, 0b100), (64, 0b1000)]);
    assert_eq!(map.made(67, mode, [].into_iter()), 0xffbe);
    assert_eq!(map.made(67, mode, [37, 64].into_iter()), 0x1008_fe01);
}

#[test]
fn the_stop_key_is_known_under_any_modifier() {
    let mut map = german();
    assert!(map.is_stop_key(95));
    assert!(!map.is_stop_key(24));
    assert_eq!(map.spare_keys(), [200]);
    map.keys[95 - 8].syms = vec![0x61];
    assert!(
        map.is_stop_key(95),
        "without any F11 the usual place counts"
    );
}
