use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::Response;
use crate::accept::weight;

// === impl Response ===

impl Response {
    /// The text as gzip, where a header `Accept-Encoding` takes it and it is worth it; then `Content-Encoding` is to be `gzip`.
    ///
    /// ```
    /// use core_metrics::{Desc, Family, Gauge, Registry};
    ///
    /// let registry = Registry::new();
    /// # core_metrics::labels! { struct Room { number: u16 } }
    /// # let rooms: Family<Gauge, Room> = registry.family(&Desc::gauge("room_celsius", "How warm it is."))?;
    /// # (0..100).for_each(|number| rooms.with(&Room { number }).set(21.0));
    /// let response = registry.respond(None);
    /// let gzip = response.gzip(Some("gzip, deflate")).expect("it is long enough");
    /// assert!(gzip.len() * 4 < response.body.len());
    /// assert_eq!(response.gzip(Some("gzip;q=0, *")), None);
    /// # Ok::<(), core_metrics::MetricsError>(())
    /// ```
    #[must_use]
    pub fn gzip(&self, accept_encoding: Option<&str>) -> Option<Vec<u8>> {
        if self.body.len() < LEN_MIN || !takes_gzip(accept_encoding?) {
            return None;
        }
        // A scraper is near, and waits: the fastest level makes such a text small enough.
        let mut encoder = GzEncoder::new(Vec::with_capacity(self.body.len() / 8), Compression::fast());
        encoder.write_all(self.body.as_bytes()).and_then(|()| encoder.finish()).ok()
    }
}

/// What is smaller fits into one packet.
const LEN_MIN: usize = 1024;

/// Whether a header takes gzip. What it says of gzip counts more than what it says of everything.
fn takes_gzip(header: &str) -> bool {
    let (mut named, mut any) = (None, None);
    for asked in header.split(',').take(64) {
        let (coding, parameters) = asked.split_once(';').unwrap_or((asked, ""));
        let weight = weight(parameters.split(';'));
        match coding.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => named = named.max(Some(weight)),
            "*" => any = any.max(Some(weight)),
            _ => {}
        }
    }
    named.or(any).is_some_and(|weight| weight > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_those_who_take_it() {
        for takes in ["gzip", "deflate, GZIP;q=0.5", "br;q=1.0, gzip ; q=0.001", "*", "x-gzip", "gzip, *;q=0"]
        {
            assert!(takes_gzip(takes), "{takes}");
        }
        for not in
            ["", "identity", "deflate", "gzip;q=0", "gzip;q=0, *", "*;q=0", "gzip;q=two", "gzip2", ",;=;,"]
        {
            assert!(!takes_gzip(not), "{not}");
        }
    }
}
