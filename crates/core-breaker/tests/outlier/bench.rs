use std::sync::{Arc, Mutex};

use core_breaker::{Finding, Host, HostChange, OutlierEvent, Outliers, OutliersBuilder, Spared};
use core_time::ManualClock;

/// Hosts called `h0`, `h1` …, by the hand of a test.
pub(crate) struct Bench {
    pub(crate) time: ManualClock,
    pub(crate) set: Outliers,
    pub(crate) hosts: Vec<Host>,
    pub(crate) events: Arc<Mutex<Vec<OutlierEvent>>>,
}

/// The defaults, without failures in a row where only sweeps are to judge.
pub(crate) fn by_sweeps() -> OutliersBuilder {
    Outliers::builder().consecutive(None)
}

impl Bench {
    pub(crate) fn new(hosts: usize, builder: OutliersBuilder) -> Self {
        let time = ManualClock::new();
        let events = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&events);
        let builder = builder.clock(time.clock()).seed(7);
        let builder = builder.on_event(move |event| told.lock().unwrap().push(event.clone()));
        let set: Outliers = builder.build().unwrap();
        let hosts = (0..hosts).map(|n| set.host(&*format!("h{n}")).unwrap()).collect();
        Self { time, set, hosts, events }
    }

    /// Calls to a host that succeed, and then some that fail.
    pub(crate) fn answer(&self, host: usize, successes: u32, failures: u32) {
        (0..successes).for_each(|_| self.hosts[host].acquire().unwrap().success());
        (0..failures).for_each(|_| self.hosts[host].acquire().unwrap().failure());
    }

    /// Each host answers so many percent of 100 calls.
    pub(crate) fn answer_percent(&self, percent: &[u32]) {
        percent.iter().enumerate().for_each(|(host, percent)| self.answer(host, *percent, 100 - percent));
    }

    /// To the end of the interval, and the sweep.
    pub(crate) fn interval(&self) {
        self.time.advance_to(self.set.sweep());
        self.set.sweep();
    }

    pub(crate) fn intervals(&self, n: u32) {
        (0..n).for_each(|_| self.interval());
    }

    /// Which hosts are ejected.
    pub(crate) fn ejected(&self) -> Vec<usize> {
        (0..self.hosts.len()).filter(|host| self.hosts[*host].is_ejected()).collect()
    }

    /// What was told since this was asked last, in short.
    pub(crate) fn told(&self) -> Vec<String> {
        self.events.lock().unwrap().drain(..).map(|event| short(&event)).collect()
    }
}

fn short(event: &OutlierEvent) -> String {
    let why = |finding: &Finding| match finding {
        Finding::ConsecutiveFailures { failures } => format!("{failures} in a row"),
        Finding::SuccessRate { .. } => "success rate".into(),
        Finding::FailurePercentage { failures, calls } => format!("{failures} of {calls}"),
        Finding::Operator { reason } => reason.to_string(),
        _ => "new".into(),
    };
    let host = &event.host;
    match &event.change {
        HostChange::Ejected { finding, time, times } => {
            let time = time.map_or("until told".into(), |time| format!("{time:?}"));
            format!("{host} out: {} ({time}, x{times})", why(finding))
        }
        HostChange::Returned { reason } => {
            reason.as_ref().map_or(format!("{host} back"), |reason| format!("{host} back: {reason}"))
        }
        HostChange::Spared { finding, why: Spared::MaxEjected } => {
            format!("{host} over max: {}", why(finding))
        }
        HostChange::Spared { finding, .. } => format!("{host} not enforced: {}", why(finding)),
        _ => "new".into(),
    }
}
