//! The pixels of photographs as differences from what their neighbours let expect ([`super::Code::Predicted`]).
//!
//! Neighbouring pixels are alike, and so are their colours: what is left is small numbers around nothing, which pack to
//! half of what the pixels do. Both directions are here, so that one is the other's proof.

/// What `left`, `above` and the corner between them let expect: an edge, or a plane.
fn expected(left: u8, above: u8, corner: u8) -> u8 {
    let (low, high) = (left.min(above), left.max(above));
    // Without branches, so that many are reckoned at once.
    let plane = i16::from(left) + i16::from(above) - i16::from(corner);
    plane.clamp(low.into(), high.into()) as u8
}

/// Appends the three planes of a box. `rows` has its rows, `width` pixels of four bytes each: blue, green, red, and one
/// without meaning.
pub fn predict<'a>(rows: impl Iterator<Item = &'a [u8]>, width: usize, out: &mut Vec<u8>) {
    let pixels = rows.size_hint().0 * width;
    let mut planes: [Vec<u8>; 3] = std::array::from_fn(|_| Vec::with_capacity(pixels));
    for row in rows {
        let row = row[..width * 4].as_chunks::<4>().0;
        let [first, second, third] = &mut planes;
        first.extend(row.iter().map(|p| p[1]));
        second.extend(row.iter().map(|p| p[0].wrapping_sub(p[1])));
        third.extend(row.iter().map(|p| p[2].wrapping_sub(p[1])));
    }
    out.reserve(pixels * 3);
    for plane in &planes {
        let mut above: &[u8] = &[];
        for row in plane.chunks_exact(width.max(1)) {
            out.push(row[0].wrapping_sub(above.first().copied().unwrap_or(0)));
            let pairs = row.array_windows();
            if above.is_empty() {
                out.extend(pairs.map(|[left, value]| value.wrapping_sub(*left)));
            } else {
                let pairs = pairs.zip(above.array_windows());
                out.extend(pairs.map(|([left, value], [corner, above])| {
                    value.wrapping_sub(expected(*left, *above, *corner))
                }));
            }
            above = row;
        }
    }
}

/// The planes of a box again, in place: green, blue less green, red less green. `planes` has three bytes for each pixel.
pub fn restore(planes: &mut [u8], width: usize, height: usize) {
    for plane in planes.chunks_exact_mut((width * height).max(1)) {
        let (first, mut rest) = plane.split_at_mut(width);
        let mut left = 0u8;
        for value in &mut *first {
            left = left.wrapping_add(*value);
            *value = left;
        }
        let mut above: &[u8] = first;
        while !rest.is_empty() {
            let (row, tail) = rest.split_at_mut(width);
            let (mut left, mut corner) = (above[0], above[0]);
            for (value, above) in row.iter_mut().zip(above) {
                left = value.wrapping_add(expected(left, *above, corner));
                corner = *above;
                *value = left;
            }
            above = row;
            rest = tail;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_differences() {
        // Two rows of two grey pixels: 10 12 / 11 20; the other planes are nothing.
        let grey = |v: u8| [v, v, v, 0];
        let rows = [[grey(10), grey(12)].concat(), [grey(11), grey(20)].concat()];
        let mut out = Vec::new();
        predict(rows.iter().map(Vec::as_slice), 2, &mut out);
        // 11 - 10, then 20 - median(11, 12, 11 + 12 - 10).
        assert_eq!(out, [10, 2, 1, 8, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    proptest::proptest! {
        #[test]
        fn what_was_predicted_is_restored(width in 1..20usize, height in 1..20usize, seed: u64) {
            let mut state = seed | 1;
            let mut pixels = vec![0u8; width * height * 4];
            for byte in &mut pixels {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
                // Both smooth and wild.
                *byte = if seed % 2 == 0 { (state >> 60) as u8 } else { (state >> 56) as u8 };
            }
            let mut planes = Vec::new();
            predict(pixels.chunks_exact(width * 4), width, &mut planes);
            proptest::prop_assert_eq!(planes.len(), width * height * 3);
            restore(&mut planes, width, height);
            let size = width * height;
            for (n, [blue, green, red, _]) in pixels.as_chunks::<4>().0.iter().enumerate() {
                proptest::prop_assert_eq!(planes[n], *green);
                proptest::prop_assert_eq!(planes[size + n].wrapping_add(*green), *blue);
                proptest::prop_assert_eq!(planes[2 * size + n].wrapping_add(*green), *red);
            }
        }
    }
}
