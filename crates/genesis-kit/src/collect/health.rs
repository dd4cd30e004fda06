use core_health::{Health, Phase, Probe, Status};
use core_metrics::{Desc, Gauge, LabelNames, Registry};

const STATUS: Desc<Gauge> = Desc::gauge("health_check_status", "1 for the status that a check is in.");
const FAILURES: Desc<Gauge> =
    Desc::gauge("health_check_consecutive_failures", "Failures of a check in a row.");
const PHASE: Desc<Gauge> = Desc::gauge("health_phase", "1 for the phase that the service is in.");
const PROBE: Desc<Gauge> = Desc::gauge("health_probe_state", "1 for what a probe is told now.");

const BY_STATUS: LabelNames<2> = LabelNames::new(["check", "status"]);
const BY_CHECK: LabelNames<1> = LabelNames::new(["check"]);
const BY_PHASE: LabelNames<1> = LabelNames::new(["phase"]);
const BY_PROBE: LabelNames<2> = LabelNames::new(["probe", "state"]);

const STATUSES: [Status; 4] = [Status::Healthy, Status::Degraded, Status::Unhealthy, Status::Unknown];
const PHASES: [Phase; 3] = [Phase::Starting, Phase::Ready, Phase::Draining];
const PROBES: [(&str, Probe); 4] =
    [("health", Probe::Health), ("live", Probe::Live), ("ready", Probe::Ready), ("startup", Probe::Startup)];

/// What the checks found, and what probes are told. Nothing runs for it.
pub(crate) fn health(registry: &Registry, health: &Health) {
    let health = health.clone();
    registry.collect(move |scrape| {
        let snapshot = health.snapshot();
        let mut statuses = scrape.gauges(&STATUS, BY_STATUS);
        for check in &snapshot.checks {
            for status in STATUSES {
                statuses.put_bool([&check.name, status.as_str()], check.status == status);
            }
        }
        let mut failures = scrape.gauges(&FAILURES, BY_CHECK);
        for check in &snapshot.checks {
            failures.put([&check.name], f64::from(check.consecutive_failures));
        }
        let mut phases = scrape.gauges(&PHASE, BY_PHASE);
        for phase in PHASES {
            phases.put_bool([phase.as_str()], snapshot.phase == phase);
        }
        let mut probes = scrape.gauges(&PROBE, BY_PROBE);
        for (name, probe) in PROBES {
            let passes = health.answer(probe).status == 200;
            probes.put_bool([name, "passing"], passes);
            probes.put_bool([name, "failing"], !passes);
        }
    });
}
