//! Contexts into the headers of requests that go out: shared by the layers and by the middleware of reqwest.

use std::sync::Arc;

use core_context::propagation::Field;
use core_context::{Context, Propagation};
use core_errors::{Code, Error};
use core_time::Clock;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};

/// Which attempt of a call a request is, counted from 1: put it into the extensions of the request, and the callee learns of it.
///
/// ```
/// use core_http::AttemptNumber;
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(AttemptNumber(2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptNumber(pub u32);

/// How a client writes contexts. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Injector(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    propagation: Propagation,
    clock: Clock,
    /// What the fields are called, in the order of [`Field::ALL`]: a name that is looked up by its text is parsed first.
    names: [HeaderName; Field::ALL.len()],
    /// What others would call a trace: never written, and removed.
    of_others: Vec<HeaderName>,
    /// The [marks](mark) of those.
    marks_of_others: u64,
}

/// The deadline has passed before the request was sent.
const TOO_LATE: Code = Code::new("DEADLINE_EXCEEDED");

// === impl Injector ===

impl Injector {
    pub(crate) fn propagation(&mut self, propagation: Propagation) {
        let inner = Arc::make_mut(&mut self.0);
        *inner = Inner::new(propagation, inner.clock.clone());
    }

    pub(crate) fn clock(&mut self, clock: Clock) {
        Arc::make_mut(&mut self.0).clock = clock;
    }

    /// Whether a call may still be made for the current context.
    ///
    /// # Errors
    /// If its deadline has passed: nobody waits for the answer.
    pub(crate) fn in_time(&self) -> Result<(), Error> {
        match Context::current_deadline() {
            Some(deadline) if self.0.clock.reached(deadline).is_ok() => {
                Err(Error::timeout("the time had run out before the request was sent")
                    .with_code(TOO_LATE)
                    .with_idempotent_only(false))
            }
            _ => Ok(()),
        }
    }

    /// Runs a call until the deadline of the current context, and no longer.
    ///
    /// # Errors
    /// If that has come.
    #[cfg(feature = "reqwest")]
    pub(crate) async fn bounded<F: Future>(&self, call: F) -> Result<F::Output, Error> {
        match Context::current() {
            Some(context) => Ok(context.bounded(&self.0.clock, call).await?),
            None => Ok(call.await),
        }
    }

    /// Writes the current context. Whatever the request had under these names goes, and whatever others would call a trace: a stranger's
    /// `tracestate` or `b3` must not go along with our trace. Without a context nothing is touched.
    pub(crate) fn write(&self, headers: &mut HeaderMap, extensions: &Extensions) {
        let Some(context) = Context::current() else { return };
        let Inner { propagation, clock, names, of_others, marks_of_others } = &*self.0;
        let attempt = extensions.get::<AttemptNumber>().map(|attempt| attempt.0);
        let mut written = 0_u32;
        propagation.inject_fields(&context, attempt, clock, |field, value| {
            // Our types hold nothing that a header cannot, so this does not fail.
            if let Ok(value) = HeaderValue::from_bytes(value) {
                headers.insert(&names[field as usize], value);
                written |= 1 << field as u32;
            }
        });
        let is_strange = |name: &HeaderName| {
            let mut of_ours = (0..).zip(names).filter(|(_, ours)| *ours == name).peekable();
            // Two of them may be called the same.
            match of_ours.peek() {
                Some(_) => !of_ours.any(|(at, _)| written >> at & 1 == 1),
                None => of_others.contains(name),
            }
        };
        if headers.keys_len() <= KEYS_FEW {
            // Among so few headers it is faster to look at each than to look for each of ours.
            let not_written = names.iter().zip(0..).filter(|(_, at)| written >> at & 1 == 0);
            let marks = not_written.fold(*marks_of_others, |marks, (name, _)| marks | mark(name));
            if !headers.keys().any(|name| marks & mark(name) != 0 && is_strange(name)) {
                return;
            }
        }
        for name in names.iter().chain(of_others).filter(|name| is_strange(name)) {
            headers.remove(name);
        }
    }
}

const KEYS_FEW: usize = 16;

/// A bit for a name, of its length and a letter: names of another bit are other names.
fn mark(name: &HeaderName) -> u64 {
    let text = name.as_str().as_bytes();
    let letter = text.get(text.len() / 2).copied().unwrap_or_default();
    1 << ((text.len() * 31 + usize::from(letter)) % 64)
}

/// What the fields are called. A name that is none keeps the usual one; `HeaderNames::from_env` refuses it earlier.
fn names_of(propagation: &Propagation) -> [HeaderName; Field::ALL.len()] {
    Field::ALL.map(|field| {
        let (name, usual) = (propagation.name_of(field), field.usual_name());
        // A name that is static is copied for nothing, wherever it goes.
        let usual = HeaderName::from_static(usual);
        if name == usual { usual } else { HeaderName::try_from(name).unwrap_or(usual) }
    })
}

impl Default for Injector {
    fn default() -> Self {
        Self(Arc::new(Inner::new(Propagation::trusted(), Clock::system())))
    }
}

// === impl Inner ===

impl Inner {
    fn new(propagation: Propagation, clock: Clock) -> Self {
        let names = names_of(&propagation);
        let of_others: Vec<_> =
            propagation.never_written().filter_map(|name| HeaderName::try_from(name).ok()).collect();
        let marks_of_others = of_others.iter().fold(0, |marks, name| marks | mark(name));
        Self { propagation, clock, names, of_others, marks_of_others }
    }
}
