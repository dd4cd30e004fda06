use super::*;

fn percent(rates: &[u64]) -> Vec<Sample> {
    rates.iter().map(|rate| Sample { successes: rate * 2, failures: 200 - rate * 2 }).collect()
}

fn places(found: &[Found]) -> Vec<usize> {
    found.iter().map(|(place, _)| *place).collect()
}

#[test]
fn od_1_the_threshold_is_the_mean_less_one_point_nine_standard_deviations() {
    // Envoy's own example: 50 beside four times 100 has a mean of 90, a deviation of 20, and so a threshold of 52.
    let found = by_success_rate(SuccessRate::default(), &percent(&[50, 100, 100, 100, 100]));
    let [(0, Finding::SuccessRate { success_rate, mean, threshold, calls })] = &found[..] else {
        panic!("{found:?}")
    };
    let near = |value: f64, right: f64| (value - right).abs() < 1e-12;
    assert!(near(*success_rate, 0.5) && near(*mean, 0.9) && near(*threshold, 0.52), "{found:?}");
    assert_eq!(*calls, 200);
}

#[test]
fn od_1_a_host_at_the_threshold_is_no_outlier() {
    // Mean 90 and deviation 20: two deviations under the mean is 50, which one host has.
    let at = SuccessRate::default().stdevs(2.0);
    assert!(by_success_rate(at, &percent(&[50, 100, 100, 100, 100])).is_empty());
}

#[test]
fn od_1_hosts_that_do_all_the_same_have_no_outlier() {
    for rate in 0..=100 {
        for hosts in 5..40 {
            let alike = percent(&vec![rate; hosts]);
            let strict = SuccessRate::default().stdevs(0.000_1);
            assert!(by_success_rate(strict, &alike).is_empty(), "{hosts} hosts at {rate} %");
        }
    }
}

#[test]
fn od_1_the_worst_comes_first() {
    let rule = FailurePercentage::default().min_hosts(1);
    assert_eq!(places(&by_failure_percentage(rule, &percent(&[14, 100, 0, 15, 7]))), [2, 4, 0, 3]);
    let rule = SuccessRate::default().stdevs(0.1);
    assert_eq!(places(&by_success_rate(rule, &percent(&[50, 100, 40, 100, 100]))), [2, 0]);
}
