//! Any history against a plain model, which is driven by a timer and knows nothing of threads.

use core_breaker::{ConsecutiveFailures, FailurePercentage, SuccessRate};
use core_time::{ms, secs};
use proptest::prelude::*;

use crate::bench::{Bench, by_sweeps};

const HOSTS: usize = 7;
const INTERVAL: u64 = 10_000;

#[derive(Clone, Debug)]
enum Step {
    /// A host answers so many calls well, and then so many not.
    Answer(usize, u32, u32),
    /// All hosts but one answer a round well, and that one badly.
    Round(usize),
    Pass(u64),
    Eject(usize),
    Return(usize),
}

#[derive(Clone, Default)]
struct Plain {
    ejected_until: Option<u64>,
    is_forced: bool,
    times: u64,
    run: u32,
    successes: u64,
    failures: u64,
}

struct Model {
    hosts: Vec<Plain>,
    now: u64,
    next: u64,
    told: Vec<String>,
}

impl Plain {
    fn is_ejected(&self) -> bool {
        self.is_forced || self.ejected_until.is_some()
    }

    fn calls(&self) -> u64 {
        self.successes + self.failures
    }

    fn rate(&self) -> f64 {
        f64::from(u32::try_from(self.successes).unwrap()) / f64::from(u32::try_from(self.calls()).unwrap())
    }
}

impl Model {
    fn new() -> Self {
        Self { hosts: vec![Plain::default(); HOSTS], now: 0, next: INTERVAL, told: Vec::new() }
    }

    fn ejected(&self) -> usize {
        self.hosts.iter().filter(|host| host.is_ejected()).count()
    }

    fn panics(&self) -> bool {
        self.ejected() > 0 && 2 * (HOSTS - self.ejected()) < HOSTS
    }

    /// Three of seven may be: 3/7 is under 0.45, and 4/7 over it.
    fn has_room(&self) -> bool {
        self.ejected() < 3
    }

    fn eject(&mut self, host: usize, why: &str, now: u64) {
        if !self.has_room() {
            self.told.push(format!("h{host} over max: {why}"));
            return;
        }
        // Thirty seconds a time, up to a hundred.
        let times = (self.hosts[host].times + 1).min(4);
        let seconds = (30 * times).min(100);
        self.hosts[host].times = times;
        self.hosts[host].ejected_until = Some(now + seconds * 1_000);
        self.told.push(format!("h{host} out: {why} ({seconds}s, x{times})"));
    }

    fn clear(&mut self, host: usize) {
        let Plain { times, .. } = self.hosts[host];
        self.hosts[host] = Plain { times, ..Plain::default() };
    }

    fn tick(&mut self, now: u64) {
        let before: Vec<bool> = self.hosts.iter().map(Plain::is_ejected).collect();
        for host in 0..HOSTS {
            if self.hosts[host].ejected_until.is_some_and(|until| until <= now) {
                self.clear(host);
                self.told.push(format!("h{host} back"));
            }
        }
        let judged = |host: usize| !before[host];
        let mut full = [false; HOSTS];
        let mut rates: Vec<(f64, usize)> = (0..HOSTS)
            .filter(|host| judged(*host) && self.hosts[*host].calls() >= 20)
            .map(|host| (self.hosts[host].rate(), host))
            .collect();
        rates.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        if rates.len() >= 5 {
            let n = f64::from(u32::try_from(rates.len()).unwrap());
            let mean = rates.iter().map(|(rate, _)| rate).sum::<f64>() / n;
            let variance = rates.iter().map(|(rate, _)| (rate - mean) * (rate - mean)).sum::<f64>() / n;
            for (rate, host) in &rates {
                if *rate < mean - 1.9 * variance.sqrt() - 1e-9 {
                    full[*host] = !self.has_room();
                    self.eject(*host, "success rate", now);
                }
            }
        }
        let mut bad: Vec<(f64, usize)> = (0..HOSTS)
            .filter(|host| judged(*host) && self.hosts[*host].calls() >= 10)
            .map(|host| (self.hosts[host].rate(), host))
            .collect();
        bad.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        if bad.len() >= 3 {
            for (rate, host) in bad {
                if 1.0 - rate >= 0.85 - 1e-9 && !self.hosts[host].is_ejected() && !full[host] {
                    let why = format!("{} of {}", self.hosts[host].failures, self.hosts[host].calls());
                    self.eject(host, &why, now);
                }
            }
        }
        for host in 0..HOSTS {
            if judged(host) && !self.hosts[host].is_ejected() {
                self.hosts[host].times = self.hosts[host].times.saturating_sub(1);
            }
            self.hosts[host].successes = 0;
            self.hosts[host].failures = 0;
        }
    }

    fn catch_up(&mut self) {
        while self.next <= self.now {
            self.tick(self.next);
            self.next += INTERVAL;
        }
    }

    /// Whether the call passed.
    fn call(&mut self, host: usize, ok: bool) -> bool {
        self.catch_up();
        let panics = self.panics();
        let plain = &mut self.hosts[host];
        if plain.is_forced || (plain.is_ejected() && !panics) {
            return false;
        }
        if ok {
            plain.successes += 1;
            plain.run = 0;
            return true;
        }
        plain.failures += 1;
        plain.run += 1;
        if plain.run >= 6 && !plain.is_ejected() {
            plain.run = 0;
            self.eject(host, "6 in a row", self.now);
        }
        true
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..HOSTS, 0..25_u32, 0..30_u32).prop_map(|(host, good, bad)| Step::Answer(host, good, bad)),
        4 => (0..HOSTS).prop_map(Step::Round),
        4 => prop_oneof![1..12_000_u64, Just(INTERVAL), 20_000..400_000_u64].prop_map(Step::Pass),
        1 => (0..HOSTS).prop_map(Step::Eject),
        2 => (0..HOSTS).prop_map(Step::Return),
    ]
}

fn bench() -> Bench {
    let builder = by_sweeps()
        .consecutive(ConsecutiveFailures::of(6))
        .success_rate(SuccessRate::default().min_calls(20))
        .failure_percentage(FailurePercentage::default().min_hosts(3).min_calls(10))
        .ejection_max(secs(100))
        .max_ejected(0.45);
    Bench::new(HOSTS, builder)
}

fn call(bench: &Bench, host: usize, ok: bool) -> bool {
    let Ok(permit) = bench.hosts[host].acquire() else { return false };
    if ok {
        permit.success();
    } else {
        permit.failure();
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn od_1_any_history_is_as_a_plain_model_has_it(steps in prop::collection::vec(step(), 1..60)) {
        let bench = bench();
        let mut model = Model::new();
        let both = |bench: &Bench, model: &mut Model, host: usize, ok: bool| {
            let ours = call(bench, host, ok);
            prop_assert_eq!(ours, model.call(host, ok), "host {} at {}", host, model.now);
            Ok(())
        };
        for step in steps {
            match step {
                Step::Answer(host, good, bad) => {
                    for _ in 0..good {
                        both(&bench, &mut model, host, true)?;
                    }
                    for _ in 0..bad {
                        both(&bench, &mut model, host, false)?;
                    }
                }
                Step::Round(bad) => {
                    // Never six in a row, so that the sweep has to find it.
                    for n in 0..35 {
                        for host in 0..HOSTS {
                            both(&bench, &mut model, host, host != bad || n % 6 == 5)?;
                        }
                    }
                }
                Step::Pass(time) => {
                    bench.time.advance(ms(time));
                    model.now += time;
                }
                Step::Eject(host) => {
                    bench.set.sweep();
                    model.catch_up();
                    bench.set.force_eject(&*format!("h{host}"), "by hand").unwrap();
                    let times = model.hosts[host].times;
                    model.hosts[host].is_forced = true;
                    model.hosts[host].ejected_until = None;
                    model.told.push(format!("h{host} out: by hand (until told, x{times})"));
                }
                Step::Return(host) => {
                    bench.set.sweep();
                    model.catch_up();
                    bench.set.force_return(&*format!("h{host}"), "by hand").unwrap();
                    if model.hosts[host].is_ejected() {
                        model.told.push(format!("h{host} back: by hand"));
                    }
                    model.hosts[host] = Plain::default();
                }
            }
            prop_assert_eq!(bench.told(), std::mem::take(&mut model.told));
        }
        bench.set.sweep();
        model.catch_up();
        prop_assert_eq!(bench.told(), model.told);
        for host in 0..HOSTS {
            let ours = bench.hosts[host].snapshot();
            prop_assert_eq!(ours.is_ejected, model.hosts[host].is_ejected());
            prop_assert_eq!(u64::from(ours.times), model.hosts[host].times, "times of {}", host);
        }
    }
}
