use core_context::propagation::Headers;
use http::HeaderMap;

/// The headers of an HTTP message, for [`core_context::Propagation::extract`].
#[derive(Clone, Copy, Debug)]
pub struct HeadersOf<'m>(pub &'m HeaderMap);

// === impl HeadersOf ===

impl Headers for HeadersOf<'_> {
    fn entries(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }
}
