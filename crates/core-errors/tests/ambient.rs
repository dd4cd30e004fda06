//! What an error remembers of where it was made. One test: the hook is the process's.

use std::cell::RefCell;
use std::sync::Arc;

use core_errors::{BacktracePolicy, Category, Error, ErrorContext, set_capture, set_domain};

struct Ids(&'static str);

impl ErrorContext for Ids {
    fn correlation_id(&self) -> &str {
        self.0
    }

    fn trace(&self) -> Option<(u128, u64)> {
        Some((0xab, 0xcd))
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<dyn ErrorContext>>> = const { RefCell::new(None) };
}

fn capture() -> Option<Arc<dyn ErrorContext>> {
    CURRENT.with_borrow(Clone::clone)
}

#[test]
fn f_4_an_error_remembers_its_context_and_the_policy_decides_on_backtraces() {
    assert!(Error::timeout("slow").context().is_none());
    assert!(set_capture(capture), "the first hook stays");
    assert!(!set_capture(|| None));
    assert!(set_domain("orders") && set_domain("orders") && !set_domain("payments"));

    CURRENT.set(Some(Arc::new(Ids("order-7"))));
    let error = Error::timeout("slow");
    CURRENT.set(None);
    assert_eq!(error.context().unwrap().correlation_id(), "order-7");
    assert_eq!(error.to_problem().correlation_id.as_deref(), Some("order-7"));
    assert!(format!("{error:?}").contains("correlation_id=order-7"));
    #[cfg(feature = "serde")]
    {
        let json = serde_json::to_value(error.for_log()).unwrap();
        assert_eq!(
            (json["correlation_id"].as_str(), json["domain"].as_str()),
            (Some("order-7"), Some("orders"))
        );
        assert_eq!(json["trace_id"], "000000000000000000000000000000ab");
        assert_eq!(json["span_id"], "00000000000000cd");
    }
    // G21: a context that is given replaces that which was found.
    let given: Arc<dyn ErrorContext> = Arc::new(Ids("order-8"));
    assert_eq!(error.in_context(given).context().unwrap().correlation_id(), "order-8");

    backtraces();
}

fn backtraces() {
    BacktracePolicy::NEVER.install();
    assert!(Error::internal("bug").backtrace().is_none());
    BacktracePolicy::NEVER.and(Category::Data).install();
    assert!(Error::internal("bug").backtrace().is_none());
    assert!(Error::data("lost").backtrace().is_some());
    BacktracePolicy::NEVER.and_one_in(10).install();
    let taken = (0..100).filter(|_| Error::timeout("slow").backtrace().is_some()).count();
    assert_eq!(taken, 10);
    let policy = BacktracePolicy::env().and(Category::Unknown).and_one_in(u16::MAX);
    policy.install();
    assert_eq!(BacktracePolicy::current(), policy, "it comes back whole");
    BacktracePolicy::default().install();
    let bug = Error::internal("bug");
    assert!(bug.backtrace().is_some(), "G22: bugs have one unless told otherwise");
    assert!(!format!("{bug:?}").contains('\n'), "one line");
    assert!(format!("{bug:#?}").contains("backtraces"), "{bug:#?}");
    #[cfg(feature = "serde")]
    {
        let json = serde_json::to_value(bug.for_log()).unwrap_or_default();
        assert!(json["backtrace"].as_str().is_some_and(|text| text.len() <= 16_384));
    }
}
