//! `cargo xtask compare`: our hot paths beside the peers'.

use std::process::{Command, ExitCode};

use clap::Parser;
use genesis_compare::measure::{self, Line, TIMES_MAX};
use genesis_compare::{behind, miss, rows, table};

/// Measures our hot paths and the peers' in one process.
#[derive(Parser)]
#[command(name = "compare")]
struct Args {
    /// Print one JSON object and nothing else.
    #[arg(long)]
    json: bool,
    /// Samples of each loop; the median is reported.
    #[arg(long, default_value_t = 101, value_parser = clap::value_parser!(u16).range(3..=10_001))]
    samples: u16,
    /// Fail if a budget was missed for certain, a peer is faster that was not, we allocate more than is allowed, or nothing was
    /// measured.
    #[arg(long)]
    check: bool,
    /// Only rows whose name contains this.
    filter: Option<String>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(code) = without_backtraces() {
        return code;
    }
    let filter = args.filter.unwrap_or_default();
    let chosen: Vec<_> = rows::all().into_iter().filter(|row| row.name.contains(&filter)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = rows::all().iter().map(|row| row.name).collect();
        eprintln!("error: no row has {filter:?} in its name; there are:\n  {}", names.join("\n  "));
        return ExitCode::from(2);
    }
    // Peers that need a runtime find one; nothing is ever left for it to do.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime without I/O");
    let _inside = runtime.enter();
    let (mut lines, mut skipped) = (Vec::new(), Vec::new());
    for row in &chosen {
        if !args.json {
            eprintln!("measuring {} …", row.name);
        }
        match measure::row(row, args.samples.into()) {
            Some(line) => lines.push(line),
            None => skipped.push(row.name),
        }
    }
    for name in &skipped {
        eprintln!("{name} was not measured: the machine never had a free core for each of its threads");
    }
    if args.json {
        println!("{}", table::json(&lines, &skipped));
    } else {
        print_table(&lines);
    }
    if args.check && (lines.is_empty() || !miss::of_all(&lines).0.is_empty()) {
        eprintln!("error: {}", miss::verdict(&lines));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Whoever has asked for backtraces measures backtraces in every row of errors: a process that was not asked does the work.
fn without_backtraces() -> Option<ExitCode> {
    const ASKED: [&str; 2] = ["RUST_BACKTRACE", "RUST_LIB_BACKTRACE"];
    if ASKED.iter().all(|variable| std::env::var_os(variable).is_none()) {
        return None;
    }
    let mut command = Command::new(std::env::current_exe().ok()?);
    command.args(std::env::args_os().skip(1));
    for variable in ASKED {
        command.env_remove(variable);
    }
    let status = command.status().ok()?;
    Some(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

fn print_table(lines: &[Line]) {
    if lines.is_empty() {
        return;
    }
    print!("{}", table::table(lines));
    println!(
        "\nMedians for one call on one thread; ratio is ours over theirs, allocs are ours / theirs for one call. ± is how well a \
         median is known: what is missed by less (NO?) may be noise. What was missed for certain (NO) was measured {TIMES_MAX} times."
    );
    let again: Vec<_> = lines.iter().filter(|line| line.measured > 1).map(again).collect();
    told("Measured again", &again);
    let behind: Vec<_> = lines.iter().filter_map(is_behind).collect();
    told("A peer is as fast or faster, and why", &behind);
    let (certain, noise) = miss::of_all(lines);
    told("Missed by so little that it may be noise", &noise);
    told("Missed", &certain);
    if certain.is_empty() {
        println!("Every budget was met, and no peer is faster that was not before.");
    }
}

fn again(line: &Line) -> String {
    let Line { name, measured, spread, .. } = line;
    format!("{name}: {measured} times; half of the samples within {:.0} %", 100.0 * spread)
}

/// Where it is known that a peer is faster, and it is.
fn is_behind(line: &Line) -> Option<String> {
    let (behind, best) = (behind::of(line.name)?, line.peers.first()?);
    (best.ratio >= 1.0).then(|| format!("{}: {} × {} ({})", line.name, best.ratio, best.peer, behind.why))
}

fn told(what: &str, items: &[String]) {
    if !items.is_empty() {
        println!("{what}:\n  {}", items.join("\n  "));
    }
}
