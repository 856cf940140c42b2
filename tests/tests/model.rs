//! A few hundred schedules of the model in every test run; `model --schedules 1000000` runs them all night.

use fernsicht_tests::model::{Options, run};

#[test]
fn no_promise_breaks_in_random_schedules() {
    let seed = u64::from(std::process::id()) << 20;
    let options = Options {
        schedules: 400,
        threads: 2,
        seed,
    };
    let report = run(options).expect("keys are to be had");
    assert!(
        report.failures == 0,
        "seeds from {seed}: {:#?}",
        report.first
    );
    let counts = report.counts;
    // A model in which nothing happens holds every promise.
    assert!(counts.injected > 50, "{counts:?}");
    assert!(counts.drawn > 20, "{counts:?}");
    assert!(counts.resumed > 10, "{counts:?}");
    assert!(counts.recorder_failures > 10, "{counts:?}");
    assert!(counts.opened > 10, "{counts:?}");
}
