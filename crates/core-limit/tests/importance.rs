//! Who is served, who waits and who goes, when calls are not equally important or the bulkhead changes its size.
#![expect(clippy::unwrap_used, reason = "a helper of a test may panic")]

use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use core_errors::{Error, Reason};
use core_limit::Criticality::{Critical, CriticalPlus, Sheddable, SheddablePlus};
use core_limit::{Bulkhead, BulkheadBuilder, Criticality};
use core_policy::CallError;
use core_time::{ManualClock, ms, secs};
use proptest::prelude::*;

fn build(builder: BulkheadBuilder) -> Bulkhead {
    builder.name("payments").clock(ManualClock::new().clock()).build().unwrap()
}

/// A call that never ends by itself.
struct Hanging(Pin<Box<dyn Future<Output = Result<(), CallError<Error>>>>>);

impl Hanging {
    fn start(bulkhead: &Bulkhead, criticality: Criticality) -> Self {
        let bulkhead = bulkhead.with_criticality(criticality);
        Self(Box::pin(async move { bulkhead.run(pending()).await }))
    }

    fn poll(&mut self) -> Option<Reason> {
        match self.0.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => None,
            Poll::Ready(result) => Some(result.unwrap_err().rejection().unwrap().reason()),
        }
    }
}

fn reason(bulkhead: &Bulkhead, criticality: Criticality) -> Option<Reason> {
    bulkhead.with_criticality(criticality).acquire().err().map(|rejection| rejection.reason())
}

fn counts(bulkhead: &Bulkhead) -> (u64, u64) {
    let snapshot = bulkhead.snapshot();
    (snapshot.in_use, snapshot.waiting)
}

/// Starts calls that wait behind one, frees the slot again and again, and says in which order they got it.
fn served(bulkhead: &Bulkhead, calls: &[Criticality]) -> Vec<usize> {
    let held = bulkhead.acquire().unwrap();
    let mut waiting: Vec<_> = calls.iter().map(|class| Some(Hanging::start(bulkhead, *class))).collect();
    assert!(waiting.iter_mut().flatten().all(|call| call.poll().is_none()));
    drop(held);
    let mut order = Vec::new();
    for _ in calls {
        // The one that holds the slot counts as admitted once it is asked.
        let before = bulkhead.snapshot().admitted;
        let at = waiting.iter_mut().position(|call| {
            call.as_mut().is_some_and(|call| {
                assert!(call.poll().is_none());
                bulkhead.snapshot().admitted > before
            })
        });
        let at = at.unwrap();
        waiting[at] = None;
        order.push(at);
    }
    order
}

#[test]
fn bh_1_who_came_first_is_served_first_or_last_as_it_is_said() {
    let rules = || Bulkhead::max(1).queue(4).max_wait(secs(9));
    assert_eq!(served(&build(rules()), &[Critical; 4]), [0, 1, 2, 3]);
    assert_eq!(served(&build(rules().lifo()), &[Critical; 4]), [3, 2, 1, 0]);
}

#[test]
fn bh_1_who_is_more_important_is_served_first() {
    let rules = || Bulkhead::max(1).queue(6).max_wait(secs(9));
    let calls = [Sheddable, Critical, SheddablePlus, CriticalPlus, Critical, Sheddable];
    assert_eq!(served(&build(rules()), &calls), [3, 1, 4, 2, 0, 5]);
    assert_eq!(served(&build(rules().lifo()), &calls), [3, 4, 1, 2, 5, 0]);
}

#[test]
fn al_6_of_a_full_queue_the_least_important_makes_room() {
    let bulkhead = build(Bulkhead::max(1).queue(2).max_wait(secs(9)));
    let _held = bulkhead.acquire().unwrap();
    let mut sheddable = Hanging::start(&bulkhead, Sheddable);
    let mut critical = Hanging::start(&bulkhead, Critical);
    assert!(sheddable.poll().is_none() && critical.poll().is_none());
    let mut second = Hanging::start(&bulkhead, Critical);
    assert!(second.poll().is_none(), "in place of the one that is less important");
    assert_eq!((sheddable.poll(), counts(&bulkhead)), (Some(Reason::Shed), (1, 2)));
    assert_eq!(Hanging::start(&bulkhead, Critical).poll(), Some(Reason::BulkheadFull), "not of its equals");
    assert_eq!(Hanging::start(&bulkhead, Sheddable).poll(), Some(Reason::BulkheadFull));
    drop(sheddable);
    assert_eq!((counts(&bulkhead), bulkhead.snapshot().shed), ((1, 2), 1));
}

#[test]
fn who_had_to_make_room_and_goes_away_unasked_gives_back_nothing() {
    let bulkhead = build(Bulkhead::max(1).queue(1).max_wait(secs(9)));
    let held = bulkhead.acquire().unwrap();
    let (mut less, mut more) = (Hanging::start(&bulkhead, Sheddable), Hanging::start(&bulkhead, Critical));
    assert!(less.poll().is_none() && more.poll().is_none());
    drop(less);
    assert_eq!(counts(&bulkhead), (1, 1));
    drop(held);
    assert_eq!(counts(&bulkhead), (1, 0));
    drop(more);
    assert_eq!(counts(&bulkhead), (0, 0));
}

#[test]
fn al_6_who_is_less_important_is_refused_before_who_is_more_so_at_every_load() {
    let shares = Bulkhead::max(20).share(Critical, 0.9).share(SheddablePlus, 0.6).share(Sheddable, 0.3);
    let bulkhead = build(shares.queue(5).max_wait(secs(9)));
    let top = bulkhead.with_criticality(CriticalPlus);
    let mut held = Vec::new();
    for load in 0..=20 {
        let refused = Criticality::ALL.map(|class| reason(&bulkhead, class).is_some());
        assert_eq!(refused, [load >= 20, load >= 18, load >= 12, load >= 6], "at {load}");
        assert!(refused.is_sorted());
        if load < 20 {
            held.push(top.acquire().unwrap());
        }
    }
    assert_eq!(reason(&bulkhead, Sheddable), Some(Reason::Shed));
    assert_eq!(Hanging::start(&bulkhead, Sheddable).poll(), Some(Reason::Shed), "and it never waits");
    assert!(Hanging::start(&bulkhead, CriticalPlus).poll().is_none());
}

#[test]
fn rl_8_new_slots_go_to_those_who_wait() {
    let bulkhead = build(Bulkhead::max(1).queue(5).max_wait(secs(9)));
    let mut calls: Vec<_> = (0..5).map(|_| Hanging::start(&bulkhead, Critical)).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_none()));
    assert_eq!(counts(&bulkhead), (1, 4));
    bulkhead.resize(3).unwrap();
    assert_eq!((counts(&bulkhead), bulkhead.snapshot().max), ((3, 2), 3));
    bulkhead.resize(100).unwrap();
    assert_eq!(counts(&bulkhead), (5, 0));
    assert!(calls.iter_mut().all(|call| call.poll().is_none()));
    assert!(bulkhead.acquire().is_ok());
}

#[test]
fn mistake_15_fewer_slots_stop_nobody_and_block_nobody() {
    let bulkhead = build(Bulkhead::max(3).queue(5).max_wait(secs(9)));
    let mut calls: Vec<_> = (0..5).map(|_| Hanging::start(&bulkhead, Critical)).collect();
    assert!(calls.iter_mut().all(|call| call.poll().is_none()));
    bulkhead.resize(1).unwrap();
    assert_eq!(counts(&bulkhead), (3, 2), "nothing is taken from anybody");
    assert!(bulkhead.acquire().is_err());
    let steps = [(2, 2), (1, 2), (1, 1), (1, 0), (0, 0)];
    for expected in steps {
        drop(calls.remove(0));
        assert_eq!(counts(&bulkhead), expected);
        assert!(calls.iter_mut().all(|call| call.poll().is_none()));
    }
}

#[test]
fn shares_follow_the_size() {
    let bulkhead = build(Bulkhead::max(10).share(Sheddable, 0.5));
    let held = bulkhead.with_criticality(CriticalPlus);
    let _permits: Vec<_> = (0..4).map(|_| held.acquire().unwrap()).collect();
    assert_eq!(reason(&bulkhead, Sheddable), None);
    bulkhead.resize(8).unwrap();
    assert_eq!((reason(&bulkhead, Sheddable), reason(&bulkhead, Critical)), (Some(Reason::Shed), None));
}

/// What the documentation says, as lists.
#[derive(Debug)]
struct Model {
    slots: usize,
    places: usize,
    is_lifo: bool,
    inside: Vec<usize>,
    /// Call and class, in the order in which they came.
    queue: Vec<(usize, Criticality)>,
}

impl Model {
    /// Whether it was admitted or waits, and who had to go for it.
    fn arrive(&mut self, call: usize, class: Criticality) -> (bool, Option<usize>) {
        if self.inside.len() < self.slots && self.queue.is_empty() {
            self.inside.push(call);
            return (true, None);
        }
        let mut displaced = None;
        if self.queue.len() == self.places {
            let Some(least) = self.queue.iter().map(|(_, class)| *class).max().filter(|least| *least > class)
            else {
                return (false, None);
            };
            let of = |(_, other): &(usize, Criticality)| *other == least;
            let at =
                if self.is_lifo { self.queue.iter().position(of) } else { self.queue.iter().rposition(of) };
            displaced = Some(self.queue.remove(at.unwrap()).0);
        }
        self.queue.push((call, class));
        (true, displaced)
    }

    fn leave(&mut self, call: usize) {
        self.queue.retain(|(waiting, _)| *waiting != call);
        self.inside.retain(|inside| *inside != call);
        self.serve();
    }

    fn serve(&mut self) {
        while self.inside.len() < self.slots {
            let Some(most) = self.queue.iter().map(|(_, class)| *class).min() else { return };
            let of = |(_, other): &(usize, Criticality)| *other == most;
            let at =
                if self.is_lifo { self.queue.iter().rposition(of) } else { self.queue.iter().position(of) };
            let next = self.queue.remove(at.unwrap());
            self.inside.push(next.0);
        }
    }
}

proptest! {
    #[test]
    fn any_history_agrees_with_plain_lists(
        is_lifo in any::<bool>(),
        slots in 1_u32..4,
        places in 1_u32..4,
        history in prop::collection::vec((0_u32..7, 0_usize..4, any::<prop::sample::Index>()), 1..80),
    ) {
        let rules = Bulkhead::max(slots).queue(places).max_wait(secs(9));
        let bulkhead = build(if is_lifo { rules.lifo() } else { rules });
        let mut model = Model {
            slots: slots as usize, places: places as usize, is_lifo, inside: Vec::new(), queue: Vec::new(),
        };
        let mut calls: Vec<(usize, Hanging)> = Vec::new();
        for (number, (what, class, which)) in history.into_iter().enumerate() {
            if what == 0 {
                bulkhead.resize(u32::try_from(class).unwrap() + 1).unwrap();
                model.slots = class + 1;
                model.serve();
            } else if what < 4 || calls.is_empty() {
                let mut call = Hanging::start(&bulkhead, Criticality::ALL[class]);
                let is_in = call.poll().is_none();
                let (expected, displaced) = model.arrive(number, Criticality::ALL[class]);
                prop_assert_eq!(is_in, expected);
                if is_in {
                    calls.push((number, call));
                }
                if let Some(displaced) = displaced {
                    let at = calls.iter().position(|(call, _)| *call == displaced).unwrap();
                    prop_assert_eq!(calls.remove(at).1.poll(), Some(Reason::Shed));
                }
            } else {
                let (number, call) = calls.remove(which.index(calls.len()));
                drop(call);
                model.leave(number);
            }
            for (_, call) in &mut calls {
                prop_assert!(call.poll().is_none());
            }
            prop_assert_eq!(counts(&bulkhead), (model.inside.len() as u64, model.queue.len() as u64));
        }
    }
}

#[test]
fn threads_lose_no_slot_while_the_size_changes() {
    let bulkhead = Bulkhead::max(2).queue(16).max_wait(secs(60)).build().unwrap();
    let (inside, done) = (AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for class in Criticality::ALL {
            let (bulkhead, inside, done) = (bulkhead.with_criticality(class), &inside, &done);
            scope.spawn(move || {
                for _ in 0..2_000 {
                    let result = bulkhead.call_blocking(|_| {
                        assert!(
                            inside.fetch_add(1, Ordering::SeqCst) < 4,
                            "never more than there ever were slots"
                        );
                        inside.fetch_sub(1, Ordering::SeqCst);
                        Ok::<_, Error>(())
                    });
                    assert!(result.is_ok(), "{result:?}");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for n in 0..2_000 {
            bulkhead.resize(1 + n % 4).unwrap();
        }
    });
    assert_eq!((done.into_inner(), counts(&bulkhead)), (8_000, (0, 0)));
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    for (builder, text) in [
        (Bulkhead::max(1).share(Sheddable, 1.1), "it must be 0 to 1"),
        (Bulkhead::max(1).share(Sheddable, f64::NAN), "it must be 0 to 1"),
        (Bulkhead::max(1).share(CriticalPlus, 0.5), "must be 1"),
        (Bulkhead::max(1).share(Critical, 0.5).share(Sheddable, 0.6), "what is more important"),
    ] {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(text), "{error:?} should say {text:?}");
    }
    let bulkhead = Bulkhead::max(7).max_wait(ms(1)).build().unwrap();
    assert!(bulkhead.resize(0).is_err() && bulkhead.resize(1_000_001).is_err());
    assert_eq!(bulkhead.snapshot().max, 7);
}
