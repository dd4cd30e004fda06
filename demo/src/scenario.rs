//! Scripts of trouble: small text files, see `scenarios/standard.txt`.

use std::path::Path;
use std::time::Duration;

/// What an upstream does, phase by phase.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scenario {
    phases: Vec<Phase>,
    length: Duration,
}

/// A part of the run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Phase {
    /// What people call it.
    pub(crate) name: String,
    /// When it begins, from the start of the run.
    pub(crate) begins: Duration,
    /// When it ends.
    pub(crate) ends: Duration,
    /// What the upstream does.
    pub(crate) behaviour: Behaviour,
}

/// What an upstream does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Behaviour {
    /// Answers after `latency`; fails so many of 100 requests.
    Answer {
        /// How long an answer takes.
        latency: Duration,
        /// How many of 100 fail.
        fails: u32,
    },
    /// Takes requests and never answers.
    Hang,
    /// Its port is closed.
    Dead,
}

/// The scenarios that come along.
const BUILT_IN: [(&str, &str); 3] = [
    ("standard", include_str!("../scenarios/standard.txt")),
    ("outage", include_str!("../scenarios/outage.txt")),
    ("brownout", include_str!("../scenarios/brownout.txt")),
];

const PHASES_MAX: usize = 32;
const FILE_MAX: usize = 64 * 1024;

// === impl Scenario ===

impl Scenario {
    /// Reads a scenario, by its name or from a file, and stretches it to `length`.
    pub(crate) fn load(which: &Path, length: Duration) -> Result<Self, String> {
        let known = BUILT_IN.iter().find(|(name, _)| Path::new(name) == which);
        match known {
            Some((name, text)) => Self::parse(name, text, length),
            None => Self::parse(&which.display().to_string(), &read(which)?, length),
        }
    }

    fn parse(source: &str, text: &str, length: Duration) -> Result<Self, String> {
        let mut lines = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if !line.is_empty() {
                let parsed =
                    Line::parse(line).map_err(|error| format!("{source}, line {}: {error}", at + 1))?;
                lines.push(parsed);
            }
        }
        if lines.is_empty() || lines.len() > PHASES_MAX {
            return Err(format!(
                "{source}: a scenario has 1 to {PHASES_MAX} phases, this has {}",
                lines.len()
            ));
        }
        let total: u32 = lines.iter().map(|line| line.share).sum();
        let mut passed = 0;
        let phases = lines.into_iter().map(|line| {
            let begins = length * passed / total;
            passed += line.share;
            Phase { name: line.name, begins, ends: length * passed / total, behaviour: line.behaviour }
        });
        Ok(Self { phases: phases.collect(), length })
    }

    pub(crate) fn phases(&self) -> &[Phase] {
        &self.phases
    }

    pub(crate) fn length(&self) -> Duration {
        self.length
    }

    /// Which phase it is, so long after the start; the last one goes on for ever.
    pub(crate) fn phase_at(&self, elapsed: Duration) -> usize {
        self.phases.iter().position(|phase| elapsed < phase.ends).unwrap_or(self.phases.len() - 1)
    }

    /// When the upstream is well again for good after its last trouble: the start of the last phase, if trouble came
    /// before it.
    pub(crate) fn comes_back(&self) -> Option<Duration> {
        let last = self.phases.last().filter(|last| !last.behaviour.is_trouble())?;
        self.phases.iter().any(|phase| phase.behaviour.is_trouble()).then_some(last.begins)
    }
}

impl Behaviour {
    /// Whether nothing is answered at all.
    pub(crate) fn is_dead(self) -> bool {
        matches!(self, Self::Hang | Self::Dead)
    }

    fn is_trouble(self) -> bool {
        self.is_dead()
            || matches!(self, Self::Answer { latency, fails } if fails > 0 || latency >= Duration::from_millis(100))
    }
}

/// A line of the file.
struct Line {
    name: String,
    share: u32,
    behaviour: Behaviour,
}

impl Line {
    fn parse(line: &str) -> Result<Self, String> {
        let words: Vec<_> = line.split_whitespace().collect();
        let [name, share, behaviour @ ..] = &words[..] else {
            return Err(format!("{line:?} is not `name share behaviour`, as in `healthy 20 ok 10ms`"));
        };
        let share = share.parse().ok().filter(|share| (1..=10_000).contains(share));
        let share =
            share.ok_or_else(|| format!("the share {:?} is not a number from 1 to 10000", words[1]))?;
        let behaviour = match behaviour {
            ["ok", latency] => Behaviour::Answer { latency: parse_latency(latency)?, fails: 0 },
            ["fail", percent, latency] => {
                Behaviour::Answer { latency: parse_latency(latency)?, fails: parse_percent(percent)? }
            }
            ["hang"] => Behaviour::Hang,
            ["dead"] => Behaviour::Dead,
            other => {
                let said = other.join(" ");
                return Err(format!(
                    "{said:?} is no behaviour: it is `ok 10ms`, `fail 30% 10ms`, `hang` or `dead`"
                ));
            }
        };
        Ok(Self { name: (*name).to_owned(), share, behaviour })
    }
}

fn parse_latency(text: &str) -> Result<Duration, String> {
    let millis = text.strip_suffix("ms").and_then(|n| n.parse().ok()).filter(|n| *n <= 60_000);
    millis
        .map(Duration::from_millis)
        .ok_or_else(|| format!("{text:?} is no latency: write `10ms`, up to 60000ms"))
}

fn parse_percent(text: &str) -> Result<u32, String> {
    let percent = text.strip_suffix('%').and_then(|n| n.parse().ok()).filter(|n| *n <= 100);
    percent.ok_or_else(|| format!("{text:?} is no share of failures: write `30%`, up to 100%"))
}

fn read(path: &Path) -> Result<String, String> {
    let names: Vec<_> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        format!(
            "no scenario is called {shown}, and it cannot be read as a file ({error}); there are: {}",
            names.join(", ")
        )
    })?;
    if text.len() > FILE_MAX {
        Err(format!("{shown} is larger than {FILE_MAX} bytes: this is no scenario"))
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use core_time::secs;

    use super::*;

    #[test]
    fn every_scenario_that_comes_along_is_valid() {
        for (name, _) in BUILT_IN {
            let scenario = Scenario::load(Path::new(name), secs(30)).unwrap();
            assert_eq!(scenario.phases.last().unwrap().ends, secs(30), "{name}");
            assert!(scenario.comes_back().is_some(), "{name} ends well");
        }
    }

    #[test]
    fn phases_share_the_run_and_the_last_goes_on() {
        let scenario =
            Scenario::parse("test", "a 1 ok 5ms\nb 3 hang # never\n\n# note\nc 1 fail 30% 1ms", secs(10))
                .unwrap();
        let ends: Vec<_> = scenario.phases().iter().map(|phase| phase.ends).collect();
        assert_eq!(ends, [secs(2), secs(8), secs(10)]);
        assert_eq!(
            (scenario.phase_at(secs(0)), scenario.phase_at(secs(2)), scenario.phase_at(secs(99))),
            (0, 1, 2)
        );
        assert_eq!(
            scenario.phases()[2].behaviour,
            Behaviour::Answer { latency: Duration::from_millis(1), fails: 30 }
        );
        assert_eq!(scenario.comes_back(), None);
    }

    #[test]
    fn a_bad_line_is_named_with_what_would_be_right() {
        for (text, says) in [
            ("a 1", "no behaviour"),
            ("a", "line 1"),
            ("\na x ok 1ms", "line 2"),
            ("a 0 hang", "1 to 10000"),
            ("a 1 ok 5", "write `10ms`"),
            ("a 1 fail 130% 5ms", "up to 100%"),
            ("a 1 burn", "`hang` or `dead`"),
            ("# nothing", "1 to 32 phases"),
        ] {
            let error = Scenario::parse("test", text, secs(1)).unwrap_err();
            assert!(error.contains(says), "{error:?} should say {says:?}");
        }
        assert!(Scenario::load(Path::new("no-such"), secs(1)).unwrap_err().contains("there are: standard"));
    }
}
