use core_limit::SlidingWindow;
use core_time::secs;

use super::limit::checked;
use super::{call, no_dearer_than, one_word, scales_as};
use crate::{Budget, Comes, Contest, Row, looped_with, ready};

pub(super) fn rows() -> Vec<Row> {
    let row = |name, comes, contest| Row {
        name,
        threads: 1,
        budget: Budget::Total(35.0),
        beside: &[],
        comes,
        allocations_max: 0,
        contest,
    };
    let refuse_row = || row("sliding_window/refuse", Comes::Refused, refuse);
    vec![
        row("sliding_window/allow", Comes::Answered, allow),
        // Which window it is, and what was counted in it and the last, is one word.
        Row {
            budget: Budget::None,
            ..row("sliding_window/touch", Comes::Answered, touch).on_two_threads(
                "sliding_window/allow_2_threads",
                const { &[one_word("sliding_window/allow", "the count")] },
            )
        },
        Row { beside: const { &[no_dearer_than("sliding_window/allow")] }, ..refuse_row() },
        refuse_row().on_two_threads(
            "sliding_window/refuse_2_threads",
            const { &[scales_as("sliding_window/refuse")] },
        ),
    ]
}

/// As many as it counts to.
const MAX: u64 = 1_000_000;

/// Each loop has a limit of its own, which it does not use up.
fn allow() -> Contest {
    let fresh = || SlidingWindow::per(MAX, secs(3_600)).build().expect("valid");
    Contest {
        ours: looped_with(fresh, |ours: &mut SlidingWindow, input| {
            ready(async {
                ours.check().map_err(drop)?;
                call(input).await.map_err(drop)
            })
        }),
        peers: Vec::new(),
    }
}

/// One limit for all threads would be used up in no time, so they take nothing: the word is exchanged as ever.
fn touch() -> Contest {
    let ours = SlidingWindow::per(MAX, secs(3_600)).build().expect("valid");
    Contest { ours: checked(move || ours.take(0).map(drop)), peers: Vec::new() }
}

fn refuse() -> Contest {
    let ours = SlidingWindow::per(1, secs(3_600)).build().expect("valid");
    assert!(ours.check().is_ok(), "the first passes");
    Contest { ours: checked(move || ours.check()), peers: Vec::new() }
}
