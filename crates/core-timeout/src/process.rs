use std::sync::LazyLock;

use crate::profile::Profile;
use crate::timeouts::Timeouts;

/// The limits of the process (F92): for code to which nobody hands any. One and the same wherever it is asked for.
///
/// They begin as the profile `default`. A service that has others says so once, at its start; what has begun keeps its deadline.
///
/// ```
/// use core_errors::Error;
/// use core_time::secs;
/// use core_timeout::{Profile, Standard};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), core_timeout::ConfigError> {
/// core_timeout::process().set(Profile::from_env()?)?;
///
/// let answer = core_timeout::process().run(Standard::HealthCheck, async { Ok::<_, Error>("fine") }).await;
/// assert_eq!(answer.unwrap(), "fine");
///
/// core_timeout::process().update(|profile| profile.with(Standard::Request, secs(20)))?;
/// assert_eq!(core_timeout::process().get(Standard::Request), secs(20));
/// # Ok(()) }
/// ```
///
/// Tests that change them change them for one another: a library takes a [`Timeouts`] of its caller instead.
#[must_use]
pub fn process() -> &'static Timeouts {
    static PROCESS: LazyLock<Timeouts> = LazyLock::new(|| {
        Timeouts::new(Profile::standard())
            .expect("the profiles of the standard operations hold: a test checks each")
    });
    &PROCESS
}
