use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use core_time::{Clock, Instant};

use crate::ids::CorrelationId;
use crate::json;
use crate::w3c::TraceContext;

/// Who is asking, on which trace, and until when. Immutable; a clone is a reference count.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

struct Inner {
    parts: Parts,
    /// The ids as JSON, made when a log first asks.
    fragment: OnceLock<Fragment>,
}

/// What a context consists of.
#[derive(Clone)]
struct Parts {
    correlation_id: CorrelationId,
    request: Option<Arc<Request>>,
    user: Option<Arc<User>>,
    trace: Option<TraceContext>,
    deadline: Option<Instant>,
}

#[derive(Default)]
struct Fragment {
    json: String,
    keys: Vec<&'static str>,
}

/// What is being asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The id of this request at this service.
    pub id: CorrelationId,
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
}

/// Who is asking. `Debug` shows neither id nor session.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: String,
    /// The session.
    pub session: Option<String>,
}

/// Makes a context. See [`Context::builder`] and [`Context::derive`].
#[must_use = "a builder does nothing until it is built"]
#[derive(Clone)]
pub struct Builder {
    correlation_id: Option<CorrelationId>,
    request: Option<Arc<Request>>,
    user: Option<Arc<User>>,
    trace: Option<TraceContext>,
    deadline: Option<Instant>,
}

// === impl Context ===

impl Context {
    /// Starts a context from nothing.
    pub fn builder() -> Builder {
        Builder { correlation_id: None, request: None, user: None, trace: None, deadline: None }
    }

    /// A context with a new correlation id and nothing else.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A context with something added or changed; this one stays as it is.
    #[must_use]
    pub fn derive(&self, change: impl FnOnce(Builder) -> Builder) -> Self {
        let Parts { correlation_id, request, user, trace, deadline } = self.0.parts.clone();
        change(Builder { correlation_id: Some(correlation_id), request, user, trace, deadline }).build()
    }

    /// A context without a deadline: for work that nobody waits for.
    #[must_use]
    pub fn detached(&self) -> Self {
        if self.deadline().is_none() {
            return self.clone();
        }
        let parts = Parts { deadline: None, ..self.0.parts.clone() };
        Self(Arc::new(Inner { parts, fragment: OnceLock::new() }))
    }

    /// The id to quote when asking for help.
    #[must_use]
    pub fn correlation_id(&self) -> &CorrelationId {
        &self.0.parts.correlation_id
    }

    /// What is being asked.
    #[must_use]
    pub fn request(&self) -> Option<&Request> {
        self.0.parts.request.as_deref()
    }

    /// Who is asking.
    #[must_use]
    pub fn user(&self) -> Option<&User> {
        self.0.parts.user.as_deref()
    }

    /// The trace, and the span that this service is in it.
    #[must_use]
    pub fn trace(&self) -> Option<&TraceContext> {
        self.0.parts.trace.as_ref()
    }

    /// Until when an answer is of use.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.0.parts.deadline
    }

    /// How long an answer is of use still; zero when it is too late, `None` without a deadline.
    #[must_use]
    pub fn remaining(&self, clock: &Clock) -> Option<Duration> {
        Some(self.deadline()? - clock.now())
    }

    /// Whether it is too late.
    #[must_use]
    pub fn is_expired(&self, clock: &Clock) -> bool {
        self.deadline().is_some_and(|deadline| clock.reached(deadline).is_ok())
    }

    /// The ids as members of a JSON object, without braces: `"correlation_id":"…","trace_id":"…"`. Made once.
    #[must_use]
    pub fn log_fragment(&self) -> &str {
        &self.fragment().json
    }

    /// The keys in [`log_fragment`](Self::log_fragment), in the same order.
    #[must_use]
    pub fn log_keys(&self) -> &[&'static str] {
        &self.fragment().keys
    }

    /// The id that is in the log under `key`.
    #[must_use]
    pub fn log_value(&self, key: &str) -> Option<String> {
        let Parts { correlation_id, request, user, trace, .. } = &self.0.parts;
        match key {
            "correlation_id" => Some(correlation_id.to_string()),
            "request_id" => request.as_ref().map(|request| request.id.to_string()),
            "user_id" => user.as_ref().map(|user| user.id.clone()),
            "trace_id" => trace.as_ref().map(|trace| trace.trace_id.to_string()),
            "span_id" => trace.as_ref().map(|trace| trace.span_id.to_string()),
            _ => None,
        }
    }

    fn fragment(&self) -> &Fragment {
        self.0.fragment.get_or_init(|| {
            let mut fragment = Fragment::default();
            for key in ["correlation_id", "trace_id", "span_id", "request_id", "user_id"] {
                if let Some(value) = self.log_value(key) {
                    json::push_field(&mut fragment.json, key, &value);
                    fragment.keys.push(key);
                }
            }
            fragment
        })
    }
}

impl Default for Context {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { correlation_id, request, user, trace, deadline } = &self.0.parts;
        f.debug_struct("Context")
            .field("correlation_id", correlation_id)
            .field("request", request)
            .field("user", user)
            .field("trace", trace)
            .field("deadline", deadline)
            .finish()
    }
}

// === impl Builder ===

impl Builder {
    /// Sets the correlation id. Default: that of the trace, or else a new one.
    pub fn correlation_id(mut self, id: CorrelationId) -> Self {
        self.correlation_id = Some(id);
        self
    }

    /// Sets what is asked, under a new request id. A query in the path is cut off: it may hold secrets.
    pub fn request(mut self, method: impl Into<String>, path: impl Into<String>) -> Self {
        let mut path = path.into();
        if let Some(at) = path.find('?') {
            path.truncate(at);
        }
        let id = CorrelationId::generate();
        self.request = Some(Arc::new(Request { id, method: method.into(), path }));
        self
    }

    /// Sets who is asking.
    pub fn user(mut self, id: impl Into<String>) -> Self {
        self.user = Some(Arc::new(User { id: id.into(), session: None }));
        self
    }

    /// Sets who is asking, in which session.
    pub fn user_in_session(mut self, id: impl Into<String>, session: impl Into<String>) -> Self {
        self.user = Some(Arc::new(User { id: id.into(), session: Some(session.into()) }));
        self
    }

    /// Sets the trace.
    pub fn trace(mut self, trace: TraceContext) -> Self {
        self.trace = Some(trace);
        self
    }

    /// Sets until when an answer is of use. Only ever shortens what was set before.
    pub fn deadline_at(mut self, deadline: Instant) -> Self {
        self.deadline = Some(self.deadline.map_or(deadline, |set| set.min(deadline)));
        self
    }

    /// Sets for how long an answer is of use, from now. Only ever shortens what was set before.
    pub fn deadline_in(self, budget: Duration, clock: &Clock) -> Self {
        self.deadline_at(clock.now() + budget)
    }

    /// Makes the context.
    #[must_use]
    pub fn build(self) -> Context {
        let Self { correlation_id, request, user, trace, deadline } = self;
        let of_trace = || trace.as_ref().map(|trace| CorrelationId::from(trace.trace_id));
        let correlation_id = correlation_id.or_else(of_trace).unwrap_or_else(CorrelationId::generate);
        let parts = Parts { correlation_id, request, user, trace, deadline };
        Context(Arc::new(Inner { parts, fragment: OnceLock::new() }))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("correlation_id", &self.correlation_id).finish_non_exhaustive()
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("User(***)")
    }
}
