use super::*;

fn edge(to: &str) -> Edge {
    Edge { to: to.into(), kind: Kind::Normal, optional: false, features: Vec::new() }
}

fn wrong_with(from: &str, edge: Edge) -> Vec<String> {
    let member = Member { name: from.into(), edges: vec![edge] };
    check(&[member]).iter().map(ToString::to_string).collect()
}

fn wrong(from: &str, to: &str) -> Vec<String> {
    wrong_with(from, edge(to))
}

/// The one complaint about the edge, which must name it.
fn complaint(from: &str, edge: Edge) -> String {
    let to = edge.to.clone();
    let [one] = wrong_with(from, edge).try_into().unwrap();
    assert!(one.starts_with(&format!("{from} → {to}")), "{one}");
    one
}

#[test]
fn leaning_down_is_right_over_any_number_of_layers() {
    for (from, to) in [
        ("core-context", "core-errors"),
        ("core-policy", "core-time"),
        ("core-retry", "core-errors"),
        ("core-retry", "core-policy"),
        ("core-pipeline", "core-breaker"),
        ("core-http", "core-time"),
        ("core-ops", "core-health"),
        ("genesis-kit", "core-ops"),
        ("genesis-kit", "core-time"),
        ("xtask", "genesis-kit"),
        ("xtask", "core-time"),
    ] {
        assert_eq!(wrong(from, to), [""; 0], "{from} → {to}");
    }
}

#[test]
fn crates_of_a_layer_never_lean_on_each_other() {
    for (from, to) in [
        ("core-errors", "core-time"),
        ("core-policy", "core-context"),
        ("core-retry", "core-breaker"),
        ("core-log", "core-metrics"),
        ("core-pipeline", "core-http"),
        ("core-ops", "core-macros"),
    ] {
        let why = complaint(from, edge(to));
        assert!(why.contains("the crates of a layer never lean on each other"), "{why}");
    }
}

#[test]
fn leaning_up_is_wrong() {
    for (from, to) in [
        ("core-time", "core-policy"),
        ("core-policy", "core-retry"),
        ("core-breaker", "core-redis"),
        ("core-health", "core-ops"),
        ("core-errors", "genesis-kit"),
    ] {
        let why = complaint(from, edge(to));
        assert!(why.contains("stands above it"), "{why}");
        assert!(why.contains(&format!("that {to} implements")), "{why}");
    }
}

#[test]
fn only_the_whole_leans_on_its_part() {
    assert_eq!(wrong("core-errors", "core-errors-derive"), [""; 0]);
    for from in ["core-time", "core-policy", "genesis-kit"] {
        let why = complaint(from, edge("core-errors-derive"));
        assert!(why.contains("only core-errors leans on it"), "{why}");
    }
}

#[test]
fn a_part_stands_where_its_whole_stands() {
    for to in ["core-errors", "core-time"] {
        let why = complaint("core-errors-derive", edge(to));
        assert!(why.contains("the crates of a layer never lean on each other"), "{why}");
    }
    complaint("core-errors-derive", edge("core-policy"));
}

#[test]
fn a_wrong_edge_says_which_why_and_what_would_be_right() {
    assert_eq!(
        wrong("core-policy", "core-retry"),
        [
            "core-policy → core-retry: layer 1 would lean on layer 2, which stands above it; right would be: a small \
          trait down here that core-retry implements; from here: layers below 1: core-errors, core-time"
        ]
    );
}

#[test]
fn an_edge_behind_a_feature_counts() {
    complaint("core-retry", Edge { optional: true, ..edge("core-breaker") });
}

#[test]
fn a_build_dependency_counts_and_is_called_one() {
    let why = complaint("core-retry", Edge { kind: Kind::Build, ..edge("core-breaker") });
    assert!(why.starts_with("core-retry → core-breaker (build): "), "{why}");
}

#[test]
fn dev_dependencies_are_free() {
    for to in ["core-breaker", "genesis-kit", "hyper"] {
        assert_eq!(wrong_with("core-retry", Edge { kind: Kind::Dev, ..edge(to) }), [""; 0], "{to}");
    }
}

#[test]
fn nothing_leans_on_a_tool_not_even_for_its_tests() {
    for (from, kind) in [("genesis-kit", Kind::Normal), ("core-http", Kind::Build), ("core-http", Kind::Dev)]
    {
        let why = complaint(from, Edge { kind, ..edge("xtask") });
        assert!(why.contains("nothing may use a tool"), "{why}");
    }
}

#[test]
fn every_member_has_a_place() {
    let [why] = wrong("core-surprise", "core-time").try_into().unwrap();
    assert!(why.starts_with("core-surprise: is a member of the workspace and in no layer"), "{why}");
}

#[test]
fn clients_enter_from_layer_three_up() {
    for from in ["core-time", "core-policy", "core-retry", "core-log"] {
        for client in ["axum", "hyper", "hyper-util", "reqwest", "redis"] {
            let why = complaint(from, Edge { optional: true, ..edge(client) });
            assert!(why.contains("clients of others enter from layer 3 up"), "{why}");
        }
    }
    for from in ["core-http", "core-health", "genesis-kit", "xtask"] {
        assert_eq!(wrong(from, "axum"), [""; 0], "{from}");
    }
}

#[test]
fn the_errors_of_clients_are_known_behind_features() {
    let edge_to = |client, optional| Edge { optional, ..edge(client) };
    assert_eq!(wrong_with("core-errors", edge_to("reqwest", true)), [""; 0]);
    assert!(complaint("core-errors", edge_to("reqwest", false)).contains("clients of others"));
    assert!(complaint("core-errors", edge_to("axum", true)).contains("clients of others"));
}

#[test]
fn no_feature_opens_a_socket_below_layer_three() {
    let tokio =
        |feature: &str| Edge { optional: true, features: vec!["rt".into(), feature.into()], ..edge("tokio") };
    for feature in ["net", "full"] {
        let why = complaint("core-context", tokio(feature));
        assert!(why.contains(&format!("right would be: tokio without `{feature}`")), "{why}");
    }
    assert_eq!(wrong_with("core-context", tokio("time")), [""; 0]);
    assert_eq!(wrong_with("core-health", tokio("net")), [""; 0]);
}

#[test]
fn layer_zero_knows_a_runtime_only_behind_a_feature() {
    let why = complaint("core-time", edge("tokio"));
    assert!(why.contains("layer 0 has no runtime"), "{why}");
    assert_eq!(wrong_with("core-time", Edge { optional: true, ..edge("tokio") }), [""; 0]);
    assert_eq!(wrong("core-policy", "tokio"), [""; 0]);
}
