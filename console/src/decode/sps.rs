//! A look at an H.264 picture before the decoder sees it (ITU-T H.264, 7.3 and Annex B).
//!
//! ```text
//! start code ─► NAL unit ─► slice, IDR slice, SPS, PPS only
//!                           SPS: baseline or main, 4:2:0, the expected size, few references
//! ```
//!
//! Not here: decoding. What passes can still be broken; it cannot be large.

/// Checks that `bytes` hold nothing but what a picture of that size needs, and a parameter
/// set exactly if it is a key. Errors: what is wrong.
pub(super) fn check(bytes: &[u8], size: (usize, usize), key: bool) -> Result<(), &'static str> {
    let mut parameters = 0;
    let mut slices = 0;
    let mut units = 0;
    for unit in nal_units(bytes)? {
        units += 1;
        if units > MOST_UNITS {
            return Err("it has too many NAL units");
        }
        let (head, payload) = unit.split_first().ok_or("a NAL unit is empty")?;
        match head & 0x9f {
            1 | 5 => slices += 1,
            7 => {
                parameters += 1;
                check_parameters(payload, size)
                    .ok_or("its parameter set is not one of this box")?;
            }
            8 => {}
            _ => return Err("it has a NAL unit that does not belong there"),
        }
    }
    if slices == 0 {
        return Err("it holds no picture");
    }
    if (parameters > 0) != key {
        return Err("it is not what its key flag says");
    }
    Ok(())
}

/// The NAL units of an Annex B stream, which must start with a start code.
fn nal_units(bytes: &[u8]) -> Result<impl Iterator<Item = &[u8]>, &'static str> {
    let mut starts = Vec::new();
    let mut at = 0;
    while let Some(found) = bytes
        .get(at..)
        .and_then(|rest| rest.windows(3).position(|w| w == [0, 0, 1]))
    {
        starts.push(at + found);
        at += found + 3;
        if starts.len() > MOST_UNITS {
            return Err("it has too many NAL units");
        }
    }
    if starts
        .first()
        .is_none_or(|first| bytes[..*first].iter().any(|b| *b != 0))
    {
        return Err("it does not start with a start code");
    }
    let ends: Vec<usize> = starts
        .iter()
        .skip(1)
        .copied()
        .chain([bytes.len()])
        .collect();
    Ok(starts
        .into_iter()
        .zip(ends)
        .map(|(start, end)| &bytes[start + 3..end]))
}

/// Reads a sequence parameter set up to its cropping; none if it is not acceptable.
fn check_parameters(payload: &[u8], (width, height): (usize, usize)) -> Option<()> {
    let plain = without_emulation(payload);
    let mut bits = Bits {
        bytes: &plain,
        at: 0,
    };
    let profile = bits.take(8)?;
    bits.take(16)?; // constraints, level
    let accepted = matches!(profile, BASELINE | MAIN);
    bits.exp_golomb()?; // seq_parameter_set_id
    bits.exp_golomb()?; // log2_max_frame_num_minus4
    match bits.exp_golomb()? {
        0 => {
            bits.exp_golomb()?; // log2_max_pic_order_cnt_lsb_minus4
        }
        2 => {}
        _ => return None,
    }
    let references = bits.exp_golomb()?;
    bits.take(1)?; // gaps_in_frame_num_value_allowed_flag
    let across = (bits.exp_golomb()? as usize)
        .checked_add(1)?
        .checked_mul(16)?;
    let down = (bits.exp_golomb()? as usize)
        .checked_add(1)?
        .checked_mul(16)?;
    let frames_only = bits.take(1)? == 1;
    bits.take(1)?; // direct_8x8_inference_flag
    let mut cropped = [0; 4];
    if bits.take(1)? == 1 {
        for side in &mut cropped {
            *side = bits.exp_golomb()? as usize;
        }
    }
    let [left, right, top, bottom] = cropped;
    let inner =
        |whole: usize, a: usize, b: usize| whole.checked_sub(a.checked_add(b)?.checked_mul(2)?);
    let expected = inner(across, left, right)? == width && inner(down, top, bottom)? == height;
    let whole = across == width.next_multiple_of(16) && down == height.next_multiple_of(16);
    (accepted && frames_only && references <= MOST_REFERENCES && expected && whole).then_some(())
}

/// The start of a NAL unit's payload without its emulation prevention bytes.
fn without_emulation(payload: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut zeros = 0;
    for &byte in payload.iter().take(MOST_PARAMETER_BYTES) {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        plain.push(byte);
    }
    plain
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// ue(v), of at most 20 bits.
    fn exp_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 20 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.take(zeros)?)
    }
}

const BASELINE: u32 = 66;
const MAIN: u32 = 77;
const MOST_REFERENCES: u32 = 4;
const MOST_UNITS: usize = 64;
const MOST_PARAMETER_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    /// A key of openh264's encoder: 98x66 pixels, its slice cut short.
    fn key(level: openh264::encoder::Profile) -> Vec<u8> {
        use openh264::encoder::{Encoder, EncoderConfig};
        let config = EncoderConfig::new().profile(level);
        let mut encoder =
            Encoder::with_api_config(openh264::OpenH264API::from_source(), config).unwrap();
        encoder
            .encode(&openh264::formats::YUVBuffer::new(98, 66))
            .unwrap()
            .to_vec()
    }

    #[test]
    fn what_the_agent_writes_passes() {
        let bytes = key(openh264::encoder::Profile::Baseline);
        assert_eq!(check(&bytes, (98, 66), true), Ok(()));
        assert_eq!(
            check(&bytes, (98, 66), false),
            Err("it is not what its key flag says")
        );
        for wrong in [(96, 66), (98, 64), (112, 80), (2, 2), (980, 66)] {
            assert_eq!(
                check(&bytes, wrong, true),
                Err("its parameter set is not one of this box"),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn other_profiles_and_units_do_not() {
        let high = key(openh264::encoder::Profile::High);
        assert!(check(&high, (98, 66), true).is_err());
        let mut bytes = key(openh264::encoder::Profile::Baseline);
        bytes.extend([0, 0, 1, 0x6f, 1, 2, 3]);
        assert_eq!(
            check(&bytes, (98, 66), true),
            Err("it has a NAL unit that does not belong there")
        );
        assert_eq!(
            check(b"not H.264", (98, 66), true),
            Err("it does not start with a start code")
        );
        assert_eq!(
            check(&[0, 0, 1], (98, 66), false),
            Err("a NAL unit is empty")
        );
        assert_eq!(
            check(&[0, 0, 1, 0x68], (98, 66), false),
            Err("it holds no picture")
        );
        let many = [0, 0, 1, 0x61].repeat(65);
        assert_eq!(
            check(&many, (98, 66), false),
            Err("it has too many NAL units")
        );
    }
}
