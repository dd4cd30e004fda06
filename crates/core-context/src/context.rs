use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use core_errors::ErrorContext;
use core_time::{Clock, Instant};

use crate::baggage::Baggage;
use crate::current;
use crate::extensions::Extensions;
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
pub(crate) struct Parts {
    correlation_id: CorrelationId,
    request: Option<Arc<Request>>,
    user: Option<Arc<User>>,
    tenant: Option<Arc<str>>,
    pub(crate) trace: Option<TraceContext>,
    pub(crate) remote: Option<Arc<TraceContext>>,
    pub(crate) baggage: Option<Baggage>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) attempt: u32,
    extensions: Option<Arc<Extensions>>,
}

const LOG_KEYS: [&str; 7] =
    ["correlation_id", "trace_id", "span_id", "request_id", "user_id", "tenant", "remote_trace_id"];

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
    parts: Parts,
}

// === impl Context ===

impl Context {
    /// Starts a context from nothing.
    pub fn builder() -> Builder {
        Builder { correlation_id: None, parts: Parts::new(CorrelationId::unset()) }
    }

    /// A context with a new correlation id and nothing else.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A context with something added or changed; this one stays as it is.
    #[must_use]
    pub fn derive(&self, change: impl FnOnce(Builder) -> Builder) -> Self {
        let parts = self.0.parts.clone();
        change(Builder { correlation_id: Some(parts.correlation_id.clone()), parts }).build()
    }

    /// A context without a deadline, and without what belongs to the [call](Builder::call_extension): for work that nobody waits
    /// for.
    #[must_use]
    pub fn detached(&self) -> Self {
        let extensions = &self.0.parts.extensions;
        let all_detach = extensions.as_ref().is_none_or(|all| all.all_detach());
        if self.deadline().is_none() && all_detach {
            return self.clone();
        }
        let extensions = match extensions {
            Some(all) if !all_detach => Some(Arc::new(all.detached())),
            extensions => extensions.clone(),
        };
        let parts = Parts { deadline: None, extensions, ..self.0.parts.clone() };
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

    /// For whom the asking is done, where many share a service.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.0.parts.tenant.as_deref()
    }

    /// Where a caller that is not trusted says it is in a trace of its own: to be found again by, not to go on with.
    #[must_use]
    pub fn remote(&self) -> Option<&TraceContext> {
        self.0.parts.remote.as_deref()
    }

    /// What goes along with the request.
    #[must_use]
    pub fn baggage(&self) -> Option<&Baggage> {
        self.0.parts.baggage.as_ref()
    }

    /// Which attempt of the caller this is, counted from 1. Whoever is asked for the third time has a caller that retries, and
    /// need not retry as often itself (rule RT-8).
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.0.parts.attempt
    }

    /// Something of the application's own, by its type.
    #[must_use]
    pub fn get<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.0.parts.extensions.as_ref()?.get()
    }

    pub(crate) fn share<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.0.parts.extensions.as_ref()?.share()
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
        let Parts { correlation_id, request, user, tenant, trace, remote, .. } = &self.0.parts;
        match key {
            "correlation_id" => Some(correlation_id.to_string()),
            "request_id" => request.as_ref().map(|request| request.id.to_string()),
            "user_id" => user.as_ref().map(|user| user.id.clone()),
            "trace_id" => trace.as_ref().map(|trace| trace.trace_id.to_string()),
            "span_id" => trace.as_ref().map(|trace| trace.span_id.to_string()),
            "tenant" => tenant.as_ref().map(ToString::to_string),
            "remote_trace_id" => remote.as_ref().map(|remote| remote.trace_id.to_string()),
            _ => None,
        }
    }

    fn fragment(&self) -> &Fragment {
        self.0.fragment.get_or_init(|| {
            let mut fragment = Fragment::default();
            for key in LOG_KEYS {
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
        let Parts { correlation_id, request, user, tenant, trace, deadline, .. } = &self.0.parts;
        f.debug_struct("Context")
            .field("correlation_id", correlation_id)
            .field("request", request)
            .field("user", user)
            .field("tenant", tenant)
            .field("trace", trace)
            .field("deadline", deadline)
            .finish_non_exhaustive()
    }
}

/// What an error remembers of it.
impl ErrorContext for Inner {
    fn correlation_id(&self) -> &str {
        self.parts.correlation_id.as_str()
    }

    fn request_id(&self) -> Option<&str> {
        self.parts.request.as_ref().map(|request| request.id.as_str())
    }

    fn trace(&self) -> Option<(u128, u64)> {
        self.parts.trace.as_ref().map(|trace| (trace.trace_id.as_u128(), trace.span_id.as_u64()))
    }
}

impl From<Context> for Arc<dyn ErrorContext> {
    fn from(context: Context) -> Self {
        context.0
    }
}

impl From<&Context> for Arc<dyn ErrorContext> {
    fn from(context: &Context) -> Self {
        Arc::clone(&context.0) as Self
    }
}

// === impl Parts ===

impl Parts {
    fn new(correlation_id: CorrelationId) -> Self {
        Self {
            correlation_id,
            request: None,
            user: None,
            tenant: None,
            trace: None,
            remote: None,
            baggage: None,
            deadline: None,
            attempt: 1,
            extensions: None,
        }
    }
}

// === impl Builder ===

impl Builder {
    /// What it is made of, for those who fill it in one pass: each step of the others moves all of it.
    pub(crate) fn parts_mut(&mut self) -> &mut Parts {
        &mut self.parts
    }

    pub(crate) fn set_id(&mut self, id: Option<CorrelationId>) {
        self.correlation_id = id;
    }

    /// Sets the correlation id. Default: that of the trace, or else a new one.
    #[inline]
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
        self.parts.request = Some(Arc::new(Request { id, method: method.into(), path }));
        self
    }

    /// Sets who is asking.
    pub fn user(mut self, id: impl Into<String>) -> Self {
        self.parts.user = Some(Arc::new(User { id: id.into(), session: None }));
        self
    }

    /// Sets who is asking, in which session.
    pub fn user_in_session(mut self, id: impl Into<String>, session: impl Into<String>) -> Self {
        self.parts.user = Some(Arc::new(User { id: id.into(), session: Some(session.into()) }));
        self
    }

    /// Sets for whom the asking is done, where many share a service.
    pub fn tenant(mut self, tenant: impl Into<Arc<str>>) -> Self {
        self.parts.tenant = Some(tenant.into());
        self
    }

    /// Sets the trace.
    #[inline]
    pub fn trace(mut self, trace: TraceContext) -> Self {
        self.parts.trace = Some(trace);
        self
    }

    /// Sets where a caller that is not trusted says it is.
    #[inline]
    pub fn remote(mut self, remote: TraceContext) -> Self {
        self.parts.remote = Some(Arc::new(remote));
        self
    }

    /// Sets what goes along with the request.
    #[inline]
    pub fn baggage(mut self, baggage: Baggage) -> Self {
        self.parts.baggage = Some(baggage).filter(|baggage| !baggage.is_empty());
        self
    }

    /// Sets which attempt of the caller this is, counted from 1. Zero is 1.
    #[inline]
    pub fn attempt(mut self, attempt: u32) -> Self {
        self.parts.attempt = attempt.max(1);
        self
    }

    /// Adds something of the application's own, in place of one of the same type. It goes along into tasks and threads, and
    /// never leaves the process. After 32 types nothing is added.
    pub fn extension<T: Any + Send + Sync>(self, value: T) -> Self {
        self.with_extension(value, true)
    }

    /// The same for what belongs to the call: a transaction, a connection. Work that is [detached](Context::detached) does not
    /// get it.
    pub fn call_extension<T: Any + Send + Sync>(self, value: T) -> Self {
        self.with_extension(value, false)
    }

    fn with_extension<T: Any + Send + Sync>(mut self, value: T, detaches: bool) -> Self {
        let extensions = self.parts.extensions.get_or_insert_with(Arc::default);
        Arc::make_mut(extensions).insert(value, detaches);
        self
    }

    /// Sets until when an answer is of use. Only ever shortens what was set before.
    #[inline]
    pub fn deadline_at(mut self, deadline: Instant) -> Self {
        self.parts.deadline = Some(self.parts.deadline.map_or(deadline, |set| set.min(deadline)));
        self
    }

    /// Sets for how long an answer is of use, from now. Only ever shortens what was set before.
    #[inline]
    pub fn deadline_in(self, budget: Duration, clock: &Clock) -> Self {
        self.deadline_at(clock.now() + budget)
    }

    /// Makes the context.
    #[must_use]
    pub fn build(self) -> Context {
        current::tell_errors();
        let Self { correlation_id, mut parts } = self;
        let of_trace = || parts.trace.as_ref().map(|trace| CorrelationId::from(trace.trace_id));
        parts.correlation_id = correlation_id.or_else(of_trace).unwrap_or_else(CorrelationId::generate);
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
