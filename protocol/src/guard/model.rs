//! The guard against the reference in [`crate::fuzzing::guard`]: random operations with
//! time jumps.

use proptest::prelude::*;

use crate::fuzzing::guard::{OPERATIONS, TO_CONTROL, TO_VIEW, run};
use crate::rights::Rights;

/// Random operations, half of them after the way to sight or control, with many short
/// waits, acknowledgements and inputs among them.
fn operations() -> impl Strategy<Value = Vec<u8>> {
    let beginning = prop_oneof![
        1 => Just(Vec::new()),
        1 => Just(TO_VIEW.to_vec()),
        3 => Just(TO_CONTROL.to_vec()),
    ];
    let op = prop_oneof![
        4 => (0..OPERATIONS, any::<u8>()),
        1 => (Just(26), 0..14_u8),
        1 => (16..18_u8, Just(0)),
        2 => (Just(28), any::<u8>()),
        1 => (29..32_u8, 0..4_u8),
        2 => (33..38_u8, 0..4_u8),
    ];
    (beginning, proptest::collection::vec(op, 0..80)).prop_map(|(mut bytes, ops)| {
        bytes.extend(ops.into_iter().flat_map(|(op, arg)| [op, arg]));
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn permits_only_when_the_history_justifies_them(bytes in operations()) {
        run(&bytes);
    }
}

#[test]
fn the_beginnings_lead_where_they_say() {
    assert_eq!(run(&[]), Rights::None);
    assert_eq!(run(&TO_VIEW), Rights::View);
    assert_eq!(run(&TO_CONTROL), Rights::Control);
}
