//! A number that can be read from pixels, also from pixels that a lossy code has passed: dark and light cells
//! in a row, two to begin with, twelve for the number, four that must fit them.

/// Width of a cell.
pub const CELL: u16 = 4;
/// Width of all of them.
pub const WIDTH: u16 = CELL * CELLS as u16;
/// Height of all of them.
pub const HEIGHT: u16 = 8;

/// Numbers go up to here and begin anew.
pub const NUMBERS: u32 = 1 << BITS;

/// The cells of a number, true for dark.
pub fn cells(number: u32) -> [bool; CELLS] {
    let number = number % NUMBERS;
    let word = 0b10 << (BITS + CHECK) | number << CHECK | check(number);
    std::array::from_fn(|cell| word >> (CELLS - 1 - cell) & 1 == 1)
}

/// The number in a row of pixels, 0x00RRGGBB, that begins where the marker does.
pub fn read(row: &[u32]) -> Option<u32> {
    let mut word = 0;
    for cell in 0..CELLS {
        let pixel = *row.get(cell * usize::from(CELL) + usize::from(CELL / 2))?;
        word = word << 1 | u32::from(dark(pixel));
    }
    let number = word >> CHECK & (NUMBERS - 1);
    let fits = word >> (BITS + CHECK) == 0b10 && word & ((1 << CHECK) - 1) == check(number);
    fits.then_some(number)
}

/// Nearer to black than to white.
pub fn dark(pixel: u32) -> bool {
    let part = |shift: u32| pixel >> shift & 0xff;
    part(16) * 3 + part(8) * 6 + part(0) < 128 * 10
}

fn check(number: u32) -> u32 {
    (number ^ number >> 4 ^ number >> 8 ^ 0b0110) & 0xf
}

const BITS: usize = 12;
const CHECK: usize = 4;
const CELLS: usize = 2 + BITS + CHECK;

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u32) -> Vec<u32> {
        let wide = |dark: bool| [if dark { 0 } else { 0x00ff_ffff }; CELL as usize];
        cells(number).into_iter().flat_map(wide).collect()
    }

    #[test]
    fn every_number_is_read_back_and_begins_anew() {
        for number in 0..NUMBERS {
            assert_eq!(read(&row(number)), Some(number));
        }
        assert_eq!(read(&row(NUMBERS + 7)), Some(7));
    }

    #[test]
    fn what_is_half_drawn_or_no_marker_is_no_number() {
        let (old, new) = (row(7), row(8));
        let half = [&new[..36], &old[36..]].concat();
        assert_ne!(read(&half), Some(8));
        assert_eq!(read(&vec![0x00ff_ffff; 100]), None);
        assert_eq!(read(&vec![0; 100]), None);
        assert_eq!(read(&old[..50]), None);
    }

    #[test]
    fn a_lossy_code_leaves_it_readable() {
        let shaken = row(1234).into_iter().map(|pixel| match pixel {
            0 => 0x0030_2838,
            _ => 0x00c8_d0c0,
        });
        assert_eq!(read(&shaken.collect::<Vec<_>>()), Some(1234));
    }
}
