/// Tells calls that are slow because of the load from calls that are slow for another reason.
///
/// While a callee has room, what it gets done grows with what is in flight; when it is full, only the queue does. So the
/// line through throughput over calls in flight says which it is. A limit that falls although throughput still grows starves
/// for nothing, and one that rises although it does not fills a queue: both happen to limits whose idea of a normal time is
/// out of date.
#[derive(Clone, Debug, Default)]
pub(super) struct Guard {
    /// What was in flight, and what got done a second: by Little's law, the one over the time it took.
    samples: [(f64, f64); WINDOW],
    count: usize,
}

/// What the samples say, beyond doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    /// There are few samples, they all had as much beside them, or they do not agree.
    Unknown,
    /// More calls get more done.
    HasRoom,
    /// More calls only wait.
    Full,
}

/// So many samples are compared.
const WINDOW: usize = 32;

/// The border: twice as many calls get half as much more done.
const BORDER: f64 = 0.5;

/// How many standard errors it has to be away from that.
const SURE: f64 = 2.0;

// === impl Guard ===

impl Guard {
    pub(super) fn add(&mut self, in_flight: f64, rtt: f64) {
        self.samples[self.count % WINDOW] = (in_flight, in_flight / rtt);
        self.count = self.count.wrapping_add(1);
    }

    /// How much more gets done, in parts of what does, for how many more calls in parts of those there are: by least squares.
    #[expect(clippy::cast_precision_loss, reason = "the window is small")]
    pub(super) fn load(&self) -> Load {
        if self.count < WINDOW {
            return Load::Unknown;
        }
        let n = WINDOW as f64;
        let (sum_x, sum_y) =
            self.samples.iter().fold((0.0, 0.0), |(x, y), sample| (x + sample.0, y + sample.1));
        let (mean_x, mean_y) = (sum_x / n, sum_y / n);
        let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
        for (x, y) in &self.samples {
            let (dx, dy) = (x / mean_x - 1.0, y / mean_y - 1.0);
            xy += dx * dy;
            xx += dx * dx;
            yy += dy * dy;
        }
        if xx <= f64::EPSILON {
            return Load::Unknown;
        }
        let slope = xy / xx;
        let error = ((yy - slope * xy).max(0.0) / ((n - 2.0) * xx)).sqrt();
        if slope - SURE * error > BORDER {
            Load::HasRoom
        } else if slope + SURE * error < BORDER {
            Load::Full
        } else {
            Load::Unknown
        }
    }
}
