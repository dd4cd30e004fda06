use core_context::headers::Headers;
use http::HeaderMap;

/// The headers of an HTTP message, for [`core_context::headers::extract`].
#[derive(Clone, Copy, Debug)]
pub struct HeadersOf<'m>(pub &'m HeaderMap);

// === impl HeadersOf ===

impl Headers for HeadersOf<'_> {
    fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.0.get_all(name).iter().map(http::HeaderValue::as_bytes)
    }
}
