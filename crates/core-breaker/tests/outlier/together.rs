//! Threads that call, order, forget, change the rules and sweep, all at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use core_breaker::{ConsecutiveFailures, Outliers};
use core_policy::{Keyed, Rng};
use core_time::{ManualClock, ms, secs};

#[test]
fn od_1_what_is_counted_agrees_with_what_is_whoever_does_what_at_once() {
    let time = ManualClock::new();
    let told = std::sync::Arc::new(AtomicU64::new(0));
    let telling = std::sync::Arc::clone(&told);
    let set: Outliers = Outliers::builder()
        .clock(time.clock())
        .interval(ms(100))
        .ejection(ms(150))
        .max_ejected(0.5)
        .consecutive(ConsecutiveFailures::of(2))
        .hosts(Keyed::max(12).idle(secs(1)))
        .on_event(move |event| _ = telling.fetch_add(1 + event.lost, Ordering::Relaxed))
        .build()
        .unwrap();
    thread::scope(|scope| {
        for seed in 0..4 {
            let (set, time) = (&set, &time);
            scope.spawn(move || {
                let rng = Rng::from_seed(seed);
                for _ in 0..5_000 {
                    let key = format!("h{}", rng.next_u64() % 16);
                    match rng.next_u64() % 40 {
                        0 => drop(set.force_eject(&*key, "x")),
                        1 | 2 => drop(set.force_return(&*key, "x")),
                        3 => _ = set.forget(&*key),
                        4 => time.advance(ms(30)),
                        5 => _ = set.sweep(),
                        6 => set.reconfigure(|rules| rules.interval(ms(50))).unwrap(),
                        n => {
                            let Ok(host) = set.host(&*key) else { continue };
                            match host.acquire() {
                                Ok(permit) if n % 3 == 0 => permit.success(),
                                Ok(permit) => permit.failure(),
                                Err(_) => {}
                            }
                        }
                    }
                }
            });
        }
    });
    let all = set.snapshot();
    let out = all.hosts.iter().filter(|host| host.is_ejected).count();
    assert_eq!((all.ejected, all.keys.len), (out, all.hosts.len()));
    let found = all.totals.by_consecutive + all.totals.by_success_rate + all.totals.by_failure_percentage;
    let events = found + all.totals.by_operator + all.totals.returned;
    assert_eq!(told.load(Ordering::Relaxed), events, "each is told once");
    for host in &all.hosts {
        set.force_return(&*host.host, "all").unwrap();
    }
    assert_eq!((set.snapshot().ejected, set.is_panicking()), (0, false));
}
