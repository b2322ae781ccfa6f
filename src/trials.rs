//! How property tests are run: by default always the same cases, so that a change is judged by what
//! it changes and not by luck; with `FERROTAPE_THOROUGH` many more, and others each time. A failure
//! prints its smallest input, from which a test of its own is made.

use proptest::test_runner::{Config, RngSeed};

/// So many cases, or fifty times as many new ones.
pub fn cases(count: u32) -> Config {
    let thorough = std::env::var_os("FERROTAPE_THOROUGH").is_some();
    Config {
        cases: if thorough { count * 50 } else { count },
        rng_seed: if thorough { RngSeed::Random } else { RngSeed::Fixed(20_200_720) },
        failure_persistence: None,
        ..Config::default()
    }
}
