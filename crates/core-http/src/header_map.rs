use core_context::propagation::Headers;
use core_context::{Context, Propagation};
use core_time::Clock;
use http::{HeaderMap, HeaderName, HeaderValue};

/// The headers of an HTTP message, for [`core_context::Propagation::extract`]. Those of `tonic` are the same, under
/// `metadata.as_ref()`.
#[derive(Clone, Copy, Debug)]
pub struct HeadersOf<'m>(pub &'m HeaderMap);

/// Writes a context into headers, in place of whatever they have under these names: for messages that no layer sends.
/// [`InjectLayer`](crate::InjectLayer) does it for clients, and faster.
pub fn inject(propagation: &Propagation, context: &Context, clock: &Clock, headers: &mut HeaderMap) {
    for name in propagation.written().chain(propagation.never_written()) {
        headers.remove(name);
    }
    propagation.inject(context, clock, |name, value| {
        // Our types hold nothing that a header cannot, and a name that is none was refused by `HeaderNames`.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    });
}

// === impl HeadersOf ===

impl Headers for HeadersOf<'_> {
    fn entries(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }
}
