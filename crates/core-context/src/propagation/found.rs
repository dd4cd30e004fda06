use super::formats::{B3, Slot};
use super::headers::Headers;
use super::{ATTEMPT, BAGGAGE, CRITICALITY, GRPC_TIMEOUT, Propagation, TIMEOUT, TRACEPARENT, TRACESTATE};

/// What was found in one pass over the headers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found<'h> {
    pub(super) traceparent: Slot<'h>,
    pub(super) tracestate: Slot<'h>,
    pub(super) baggage: Slot<'h>,
    pub(super) correlation_id: Slot<'h>,
    pub(super) request_id: Slot<'h>,
    pub(super) trace_id: Slot<'h>,
    pub(super) timeout: Slot<'h>,
    pub(super) grpc_timeout: Slot<'h>,
    pub(super) attempt: Slot<'h>,
    pub(super) criticality: Slot<'h>,
    pub(super) google_cloud: Slot<'h>,
    pub(super) b3: B3<'h>,
}

// === impl Found ===

impl<'h> Found<'h> {
    pub(super) fn of(headers: &'h (impl Headers + ?Sized), propagation: &Propagation) -> Self {
        let mut found = Self::default();
        for (name, value) in headers.entries() {
            if let Some(slot) = found.slot(name, propagation) {
                slot.see(value);
            }
        }
        found
    }

    /// Where a header belongs. Its length and its first letter rule most of them out.
    fn slot(&mut self, name: &str, propagation: &Propagation) -> Option<&mut Slot<'h>> {
        let names = &propagation.names;
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match (name.len(), name.as_bytes().first().map_or(0, u8::to_ascii_lowercase)) {
            (11, b't') if is(TRACEPARENT) => return Some(&mut self.traceparent),
            (10, b't') if is(TRACESTATE) => return Some(&mut self.tracestate),
            (7, b'b') if is(BAGGAGE) => return Some(&mut self.baggage),
            (20, b'x') if is(TIMEOUT) => return Some(&mut self.timeout),
            (17, b'x') if is(ATTEMPT) => return Some(&mut self.attempt),
            (21, b'x') if is(CRITICALITY) => return Some(&mut self.criticality),
            (12, b'g') if propagation.grpc && is(GRPC_TIMEOUT) => return Some(&mut self.grpc_timeout),
            (21, b'x') if propagation.google_cloud && is("x-cloud-trace-context") => {
                return Some(&mut self.google_cloud);
            }
            (2, b'b') if is("b3") => return Some(&mut self.b3.single),
            (12, b'x') if is("x-b3-traceid") => return Some(&mut self.b3.trace_id),
            (11, b'x') if is("x-b3-spanid") => return Some(&mut self.b3.span_id),
            (12, b'x') if is("x-b3-sampled") => return Some(&mut self.b3.sampled),
            (10, b'x') if is("x-b3-flags") => return Some(&mut self.b3.flags),
            _ => {}
        }
        if is(&names.correlation_id) {
            Some(&mut self.correlation_id)
        } else if is(&names.request_id) {
            Some(&mut self.request_id)
        } else if is(&names.trace_id) {
            Some(&mut self.trace_id)
        } else {
            None
        }
    }
}
