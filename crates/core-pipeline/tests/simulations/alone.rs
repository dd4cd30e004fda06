use std::env;
use std::process::Command;

/// Set for a process that has one simulation to run.
const ALONE: &str = "GENESIS_SIMULATION_ALONE";

/// Whether this simulation has run in a process of its own instead, and held: the clock begins with the process, and with it the cuts of
/// all windows, so that a second one in the same process has another history. Nextest gives each test a process; where all of them share
/// one, as under `cargo test`, the test is started again by itself.
pub(crate) fn has_run_elsewhere(test: &str) -> bool {
    if ["NEXTEST", ALONE].iter().any(|name| env::var_os(name).is_some()) {
        return false;
    }
    let mut alone = Command::new(env::current_exe().unwrap());
    let output = alone.args([test, "--exact", "--nocapture"]).env(ALONE, "1").output().unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success() && said[0].contains("1 passed"), "{}", said.concat());
    true
}
