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

/// The planes of a box again, in place: green, blue less green, red less green. `planes` has three bytes for each pixel;
/// of fewer nothing is restored.
pub fn restore(planes: &mut [u8], width: usize, height: usize) {
    let mut planes = planes.chunks_exact_mut((width * height).max(1));
    let (Some(first), Some(second), Some(third)) = (planes.next(), planes.next(), planes.next())
    else {
        return;
    };
    for plane in [&mut *first, &mut *second, &mut *third] {
        let mut left = 0u8;
        for value in &mut plane[..width] {
            left = left.wrapping_add(*value);
            *value = left;
        }
    }
    // Each value waits for the one before it: three planes at once take as long as one.
    for row in 1..height {
        let [first, second, third] = [&mut *first, &mut *second, &mut *third].map(|plane| {
            let (before, rest) = plane.split_at_mut(row * width);
            (&before[(row - 1) * width..], &mut rest[..width])
        });
        let mut left = [first.0[0], second.0[0], third.0[0]];
        let mut corner = left;
        let above = first.0.iter().zip(second.0).zip(third.0);
        let values = first.1.iter_mut().zip(second.1).zip(third.1);
        for (((a, b), c), ((x, y), z)) in above.zip(values) {
            let above = [*a, *b, *c];
            let values = [x, y, z];
            for ((value, above), (left, corner)) in values
                .into_iter()
                .zip(above)
                .zip(left.iter_mut().zip(&mut corner))
            {
                *left = value.wrapping_add(expected(*left, above, *corner));
                *corner = above;
                *value = *left;
            }
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
