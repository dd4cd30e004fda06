//! Our hot paths beside the peers', in one process.
//!
//! Each [`Row`] is one situation: what it costs to call nothing (`bare`), to call it through us, and through each peer
//! that can do the same. `cargo xtask compare` measures them in turn, sample by sample, so that whatever disturbs the
//! machine disturbs all of them; `cargo bench` runs the same rows under criterion.

pub mod measure;
pub mod rows;

use std::sync::Arc;

/// A loop that runs an operation so many times.
pub type Loop = Arc<dyn Fn(u64) + Send + Sync>;

/// One situation.
pub struct Row {
    /// What happens, `policy/situation`.
    pub name: &'static str,
    /// How many threads do it at once.
    pub threads: usize,
    /// What we allow ourselves.
    pub budget: Budget,
    /// The call itself.
    pub bare: Loop,
    /// The call through us.
    pub ours: Loop,
    /// The call through others.
    pub peers: Vec<(&'static str, Loop)>,
}

/// What an operation may cost on a 2 GHz core.
#[derive(Clone, Copy)]
pub enum Budget {
    /// In all, in nanoseconds.
    Total(f64),
    /// More than the bare call, in nanoseconds.
    OverBare(f64),
}

/// Makes the loop of an operation.
pub fn looped(op: impl Fn() + Send + Sync + 'static) -> Loop {
    Arc::new(move |iterations| (0..iterations).for_each(|_| op()))
}

/// Makes the loop of an operation that needs something of each thread's own.
pub fn looped_with<S>(make: impl Fn() -> S + Send + Sync + 'static, op: impl Fn(&mut S) + Send + Sync + 'static) -> Loop {
    Arc::new(move |iterations| {
        let mut own = make();
        (0..iterations).for_each(|_| op(&mut own));
    })
}

/// Runs a future that is ready at once.
///
/// # Panics
/// If it is not.
pub fn ready<F: Future>(future: F) -> F::Output {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut cx) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the measured calls are ready at once"),
    }
}
