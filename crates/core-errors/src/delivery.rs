/// How far a request came whose call failed.
///
/// Clients know it of some failures only: a request that was still queued when its connection went away, an HTTP/2 stream that the
/// server refused (`REFUSED_STREAM`, or one above the last of its `GOAWAY`, where the client tells). A retry makes such calls once more as if nothing had been
/// tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Delivery {
    /// Nobody knows, or the callee has seen it.
    #[default]
    Unknown,
    /// It reached the callee, which certainly did nothing with it.
    NotProcessed,
    /// It never left this process.
    NeverSent,
}

// === impl Delivery ===

impl Delivery {
    /// Whether the call certainly had no effect.
    #[must_use]
    #[inline]
    pub const fn had_no_effect(self) -> bool {
        !matches!(self, Self::Unknown)
    }
}
