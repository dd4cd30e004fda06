//! `cargo xtask compare`: our hot paths beside the peers'.

use clap::Parser;
use genesis_compare::measure::{self, Line};
use genesis_compare::rows;

/// Measures our hot paths and the peers' in one process.
#[derive(Parser)]
#[command(name = "compare")]
struct Args {
    /// Print one JSON object and nothing else.
    #[arg(long)]
    json: bool,
    /// Samples of each loop; the median is reported.
    #[arg(long, default_value_t = 101, value_parser = clap::value_parser!(u32).range(3..=10_001))]
    samples: u32,
    /// Only rows whose name contains this.
    filter: Option<String>,
}

fn main() {
    let args = Args::parse();
    let filter = args.filter.unwrap_or_default();
    let chosen: Vec<_> = rows::all().into_iter().filter(|row| row.name.contains(&filter)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = rows::all().iter().map(|row| row.name).collect();
        eprintln!("no row has {filter:?} in its name; there are: {}", names.join(", "));
        std::process::exit(2);
    }
    // Peers that need a runtime find one; it runs nothing.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime without I/O");
    let _inside = runtime.enter();
    let mut lines = Vec::new();
    for row in &chosen {
        if !args.json {
            eprintln!("measuring {} …", row.name);
        }
        lines.extend(measure::row(row, args.samples as usize));
    }
    if args.json { print_json(&lines) } else { print_table(&lines) }
}

fn print_json(lines: &[Line]) {
    let worst = lines.iter().map(|line| line.ratio).fold(0.0, f64::max);
    let out = serde_json::json!({
        "rows": lines,
        "worst_ratio": worst,
        "all_within_budget": lines.iter().all(|line| line.within_budget),
        "all_faster": worst < 1.0,
    });
    println!("{out}");
}

fn print_table(lines: &[Line]) {
    println!(
        "| {:<26} | {:>8} | {:>9} | {:>8} | {:<32} | {:>9} | {:>6} | {:>6} |",
        "hot path", "bare ns", "ours ns", "budget", "peer", "peer ns", "ratio", "allocs"
    );
    println!("|{:-<28}|{:->10}|{:->11}|{:->10}|{:-<34}|{:->11}|{:->8}|{:->8}|", "", ":", ":", ":", "", ":", ":", ":");
    for line in lines {
        println!(
            "| {:<26} | {:>8.1} | {:>9.1} | {:>7.1}{} | {:<32} | {:>9.1} | {:>6.3} | {:>6} |",
            line.name,
            line.bare_ns,
            line.ours_ns,
            line.budget_ns,
            if line.within_budget { " " } else { "!" },
            line.peer,
            line.peer_ns,
            line.ratio,
            format!("{:.0}/{:.0}", line.allocations, line.peer_allocations),
        );
    }
}
