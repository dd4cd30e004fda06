//! What `#[derive(Classify)]` makes of an error type.
// What the derive writes must not warn in code of others.
#![deny(warnings)]

use std::error::Error as StdError;
use std::fmt::{self, Debug};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use core_errors::{Category, Classify, Code, Error, Name, PolicyKind, Reason, Recovery, Rejection, Verdict};

const AFTER: Duration = Duration::from_secs(3);

#[derive(Debug, thiserror::Error, Classify)]
#[classify(category = ExternalService, into_error)]
enum ChargeError {
    #[error("declined")]
    #[classify(category = Validation, code = "CARD_DECLINED")]
    Declined,
    #[error("slow down")]
    #[classify(category = RateLimit, code = "GATEWAY_BUSY")]
    Busy {
        #[classify(retry_after)]
        after: Duration,
    },
    #[error("gateway")]
    #[classify(recovery = fatal)]
    Gateway(#[source] io::Error),
    #[error("{0} {1:?}")]
    Lost(u64, #[classify(retry_after)] Option<Duration>),
    #[error(transparent)]
    #[classify(transparent)]
    Other(#[from] Error),
    #[error(transparent)]
    #[classify(transparent)]
    Refused(#[from] Rejection),
}

fn refusal() -> Rejection {
    Rejection::new(PolicyKind::Breaker, Name::UNNAMED, Reason::CircuitOpen).with_retry_after(AFTER)
}

/// Everything that an error answers.
fn answers(error: &impl Classify) -> (Category, Recovery, Option<Code>, Option<Duration>, Verdict) {
    (error.category(), error.recovery(), error.code(), error.retry_after(), error.verdict())
}

// === What a variant says ===

#[test]
fn a_variant_answers_with_its_category_and_code() {
    let code = Some(Code::new("CARD_DECLINED"));
    let expected = (Category::Validation, Recovery::InvalidInput, code, None, Verdict::Ignore);
    assert_eq!(answers(&ChargeError::Declined), expected);
}

#[test]
fn a_field_says_when_to_come_back() {
    let code = Some(Code::new("GATEWAY_BUSY"));
    let expected =
        (Category::RateLimit, Recovery::Transient, code, Some(AFTER), Verdict::Overload(Some(AFTER)));
    assert_eq!(answers(&ChargeError::Busy { after: AFTER }), expected);
}

#[test]
fn an_optional_field_may_say_when_to_come_back() {
    assert_eq!(ChargeError::Lost(1, Some(AFTER)).verdict(), Verdict::Transient(Some(AFTER)));
    assert_eq!(ChargeError::Lost(1, None).verdict(), Verdict::Transient(None));
}

#[test]
fn what_a_variant_does_not_say_the_enum_says() {
    assert_eq!(ChargeError::Lost(1, None).category(), Category::ExternalService);
    assert_eq!(ChargeError::Lost(1, None).code(), None);
}

#[test]
fn a_recovery_overrides_that_of_the_category() {
    let error = ChargeError::Gateway(ErrorKind::BrokenPipe.into());
    assert_eq!(error.category().recovery(), Recovery::Transient);
    assert_eq!(answers(&error), (Category::ExternalService, Recovery::Fatal, None, None, Verdict::Permanent));
}

#[test]
fn every_word_for_a_recovery_is_its_recovery() {
    #[derive(Classify)]
    #[classify(category = Unknown)]
    enum Any {
        #[classify(recovery = retriable)]
        Retriable,
        #[classify(recovery = transient)]
        Transient,
        #[classify(recovery = fatal)]
        Fatal,
        #[classify(recovery = invalid_input)]
        InvalidInput,
        #[classify(recovery = unknown)]
        Unknown,
    }
    let all = [Any::Retriable, Any::Transient, Any::Fatal, Any::InvalidInput, Any::Unknown];
    let words = all.map(|any| any.recovery().as_str());
    assert_eq!(words, ["retriable", "transient", "fatal", "invalid_input", "unknown"]);
}

#[test]
fn attributes_of_one_item_add_up() {
    #[derive(Classify)]
    enum Split {
        #[classify(category = Timeout)]
        #[classify(code = "DB_TIMEOUT")]
        #[classify()]
        Slow,
    }
    assert_eq!(
        (Split::Slow.category(), Split::Slow.code()),
        (Category::Timeout, Some(Code::new("DB_TIMEOUT")))
    );
}

// === What a field is asked ===

#[test]
fn a_transparent_variant_gives_every_answer_of_its_field() {
    let inner = || Error::timeout("slow").with_code(Code::new("DB_TIMEOUT")).with_retry_after(AFTER);
    assert_eq!(answers(&ChargeError::from(inner())), answers(&inner()));
}

#[test]
fn the_verdict_of_a_transparent_field_is_not_judged_again() {
    // By its recovery class alone it would be a failure of the callee.
    assert_eq!(refusal().recovery(), Recovery::Transient);
    assert_eq!(refusal().verdict(), Verdict::Ignore);
    assert_eq!(answers(&ChargeError::from(refusal())), answers(&refusal()));
}

#[test]
fn beside_a_transparent_variant_the_others_are_judged_by_default() {
    /// Says the same and leaves the verdict to the trait.
    struct ByDefault(ChargeError);
    impl Classify for ByDefault {
        fn recovery(&self) -> Recovery {
            self.0.recovery()
        }
        fn retry_after(&self) -> Option<Duration> {
            self.0.retry_after()
        }
        fn category(&self) -> Category {
            self.0.category()
        }
    }
    let plain = [
        ChargeError::Declined,
        ChargeError::Busy { after: AFTER },
        ChargeError::Gateway(ErrorKind::BrokenPipe.into()),
        ChargeError::Lost(1, Some(AFTER)),
    ];
    for error in plain {
        let verdict = error.verdict();
        assert_eq!(verdict, ByDefault(error).verdict());
    }
}

#[test]
fn of_many_fields_the_marked_one_is_asked() {
    #[derive(Debug, thiserror::Error, Classify)]
    enum Marked {
        #[error("theirs {0}")]
        #[classify(transparent)]
        Theirs(u8, #[source] Error),
        #[error("ours {attempt}")]
        #[classify(transparent)]
        Ours {
            #[classify(source)]
            refusal: Rejection,
            attempt: u8,
        },
    }
    assert_eq!(Marked::Theirs(1, Error::conflict("x")).category(), Category::Conflict);
    assert_eq!(answers(&Marked::Ours { refusal: refusal(), attempt: 1 }), answers(&refusal()));
}

#[test]
fn boxed_and_shared_errors_are_asked_too() {
    #[derive(Classify)]
    enum Wrapped<'a> {
        #[classify(transparent)]
        Boxed(Box<dyn StdError + Send + Sync>),
        #[classify(transparent)]
        Shared(Arc<Error>),
        #[classify(transparent)]
        Lent(&'a Error),
        #[classify(transparent)]
        Deeper(Arc<Self>),
        #[classify(transparent)]
        Owned(Box<Error>),
    }
    let error = Error::conflict("x");
    let all = [
        Wrapped::Boxed(io::Error::from(ErrorKind::AlreadyExists).into()),
        Wrapped::Shared(Arc::new(Error::conflict("x"))),
        Wrapped::Owned(Box::new(Error::conflict("x"))),
        Wrapped::Lent(&error),
        Wrapped::Deeper(Arc::new(Wrapped::Lent(&error))),
    ];
    for wrapped in all {
        assert_eq!(wrapped.category(), Category::Conflict);
    }
}

// === Shapes ===

#[test]
fn a_struct_answers_as_a_variant_does() {
    #[derive(Classify)]
    #[classify(category = Network, recovery = retriable, code = "NOT_LEADER")]
    struct NotLeader;
    #[derive(Classify)]
    #[classify(category = ResourceExhausted)]
    struct Full {
        #[classify(retry_after)]
        after: Duration,
    }
    #[derive(Classify)]
    #[classify(category = Unavailable)]
    struct Closed(u8, #[classify(retry_after)] Option<Duration>);

    let code = Some(Code::new("NOT_LEADER"));
    assert_eq!(answers(&NotLeader), (Category::Network, Recovery::Retriable, code, None, Verdict::Retriable));
    assert_eq!(Full { after: AFTER }.verdict(), Verdict::Overload(Some(AFTER)));
    let closed = Closed(1, None);
    assert_eq!((closed.0, closed.verdict()), (1, Verdict::Transient(None)));
}

#[test]
fn a_struct_may_be_transparent() {
    #[derive(Classify)]
    #[classify(transparent)]
    struct Outer {
        inner: Rejection,
    }
    #[derive(Classify)]
    #[classify(transparent)]
    struct Pair(u8, #[classify(source)] Rejection);
    assert_eq!(answers(&Outer { inner: refusal() }), answers(&refusal()));
    let pair = Pair(1, refusal());
    assert_eq!((pair.0, answers(&pair)), (1, answers(&refusal())));
}

#[test]
fn an_enum_without_variants_needs_no_category() {
    #[derive(Debug, Classify)]
    enum Never {}
    let result: Result<u8, Never> = Ok(1);
    assert_eq!(Verdict::of(&result), Verdict::Success);
}

#[test]
fn a_parameter_needs_to_be_classified_only_where_it_is_asked() {
    #[derive(Classify)]
    #[classify(category = Data)]
    enum Either<'a, A, B: Debug, const N: usize>
    where
        A: 'a,
    {
        #[classify(transparent)]
        Asked(&'a A),
        Kept([B; N]),
    }
    #[derive(Debug)]
    struct NotClassified;
    let error = Error::conflict("x");
    let asked: Either<'_, Error, NotClassified, 1> = Either::Asked(&error);
    assert_eq!(asked.category(), Category::Conflict);
    let kept: Either<'_, Error, NotClassified, 1> = Either::Kept([NotClassified]);
    assert_eq!(kept.category(), Category::Data);
    assert!(matches!(kept, Either::Kept([NotClassified])));
}

#[test]
fn a_parameter_may_say_when_to_come_back() {
    #[derive(Classify)]
    #[classify(category = RateLimit)]
    struct Busy<T: Copy + Into<Option<Duration>>>(#[classify(retry_after)] T);
    assert_eq!(Busy(AFTER).retry_after(), Some(AFTER));
    assert_eq!(Busy(None).retry_after(), None);
}

#[test]
fn names_of_the_surroundings_are_no_hindrance() {
    #![expect(dead_code, reason = "they are there to be in the way")]
    struct Some;
    struct None;
    struct Option;
    struct ByDefault;
    struct E;
    mod core {}
    mod core_errors {}
    trait Into {}

    #[derive(::core_errors::Classify)]
    #[classify(category = Internal)]
    enum r#Enum {
        #[classify(code = "ABC")]
        r#Match { field: ::std::time::Duration },
        #[classify(code = "DEF")]
        Field {
            #[classify(retry_after)]
            r#type: ::std::time::Duration,
        },
        #[classify(transparent)]
        Answers(::core_errors::Error),
    }
    use ::core_errors::Classify as _;
    let hint = Enum::Field { r#type: AFTER }.retry_after();
    assert_eq!(hint, ::std::option::Option::Some(AFTER));
    assert_eq!(Enum::Match { field: AFTER }.category(), Category::Internal);
    assert_eq!(Enum::Answers(Error::timeout("x")).category(), Category::Timeout);
}

#[test]
fn values_may_come_from_a_macro() {
    macro_rules! errors {
        ($name:ident, $category:ident, $code:literal, $krate:path) => {
            #[derive(Classify)]
            #[classify(category = $category, code = $code, crate = $krate)]
            struct $name;
        };
    }
    errors!(Lost, Data, "ROW_LOST", core_errors);
    assert_eq!((Lost.category(), Lost.code()), (Category::Data, Some(Code::new("ROW_LOST"))));
}

#[test]
fn a_deprecated_variant_can_be_classified() {
    #[derive(Classify)]
    #[classify(category = Data)]
    enum Old {
        #[deprecated]
        Gone,
        Here,
    }
    assert_eq!(Old::Here.category(), Category::Data);
    #[expect(deprecated, reason = "it is the point")]
    let gone = Old::Gone;
    assert_eq!(gone.category(), Category::Data);
}

// === Where core-errors is ===

mod facade {
    pub(crate) use core_errors as errors;
}

#[test]
fn core_errors_may_be_reached_through_a_facade() {
    #[derive(Debug, thiserror::Error, facade::errors::Classify)]
    #[classify(category = Data, crate = crate::facade::errors, into_error)]
    enum Outer<E> {
        #[error("lost")]
        #[classify(code = "ROW_LOST", recovery = transient)]
        Lost(#[classify(retry_after)] Duration),
        #[error(transparent)]
        #[classify(transparent)]
        Inner(E),
    }
    let lost: Outer<Error> = Outer::Lost(AFTER);
    assert_eq!(answers(&lost), answers(&Error::classified(Outer::<Error>::Lost(AFTER))));
    assert_eq!(Error::from(Outer::Inner(Error::conflict("x"))).category(), Category::Conflict);
}

// === Conversion into `Error` ===

#[test]
fn a_conversion_keeps_every_answer_and_the_cause() {
    let error = Error::from(ChargeError::Busy { after: AFTER });
    assert_eq!(answers(&error), answers(&ChargeError::Busy { after: AFTER }));
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    assert!(matches!(cause, Some(ChargeError::Busy { after: AFTER })));
}

#[test]
fn a_conversion_shows_clients_the_title_only() {
    let error = Error::from(ChargeError::Gateway(io::Error::other("SECRET")));
    assert_eq!(error.message(), Category::ExternalService.title());
    assert!(!format!("{error} {:?}", error.to_problem()).contains("SECRET"));
}

#[test]
fn a_conversion_knows_where_it_was_asked_for() {
    fn fails() -> Result<(), Error> {
        Err(ChargeError::Declined)?;
        Ok(())
    }
    let here = line!() - 3;
    let location = fails().unwrap_err().location();
    assert_eq!((location.file().ends_with("derive.rs"), location.line()), (true, here));
    assert_eq!(Error::classified(ChargeError::Declined).location().line(), line!());
}

#[test]
fn a_generic_error_converts_where_it_is_an_error() {
    #[derive(Debug, Classify)]
    #[classify(transparent, into_error)]
    struct Outer<E>(E);
    impl<E: fmt::Display> fmt::Display for Outer<E> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            fmt::Display::fmt(&self.0, f)
        }
    }
    impl<E: Debug + fmt::Display> StdError for Outer<E> {}
    assert_eq!(Error::from(Outer(Error::conflict("x"))).category(), Category::Conflict);
    // It is classified even where it is no error that could be kept.
    let local = std::rc::Rc::new(Error::conflict("x"));
    assert_eq!(Outer(&*local).category(), Category::Conflict);
}

#[test]
fn an_error_with_a_lifetime_converts_where_it_lives_long_enough() {
    #[derive(Debug, thiserror::Error, Classify)]
    #[error("{0}")]
    #[classify(category = Data, into_error)]
    struct Named<'a>(&'a str);
    assert_eq!(Error::from(Named("x")).source().map(ToString::to_string).as_deref(), Some("x"));
    let local = String::from("x");
    assert_eq!(Named(&local).category(), Category::Data);
}

#[test]
fn a_conversion_costs_one_allocation_more_than_a_new_error() {
    // Whatever the environment asks for.
    core_errors::BacktracePolicy::NEVER.install();
    let new = measure(|| drop(Error::new(Category::Validation, "x"))).count_total;
    let error = ChargeError::Busy { after: AFTER };
    let classified = measure(|| drop(Error::classified(error))).count_total;
    assert_eq!((new, classified), (1, 2));
}
