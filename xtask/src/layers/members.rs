use cargo_metadata::{DependencyKind, Metadata, Package};

/// A crate of the workspace and what its manifest asks for.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) edges: Vec<Edge>,
}

/// One line under a `[…dependencies]` of a manifest.
#[derive(Debug)]
pub(super) struct Edge {
    /// The package, also where the manifest renames it.
    pub(super) to: String,
    pub(super) kind: Kind,
    /// Only there when a feature asks for it.
    pub(super) optional: bool,
    /// The features that the line, or a feature of the crate, turns on in `to`.
    pub(super) features: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Normal,
    Build,
    Dev,
}

/// The members of a workspace, in the order of their names.
pub(super) fn of(metadata: &Metadata) -> Vec<Member> {
    let mut members: Vec<_> = metadata.workspace_packages().into_iter().map(member).collect();
    members.sort_by(|a, b| a.name.cmp(&b.name));
    members
}

fn member(package: &Package) -> Member {
    let edges = package.dependencies.iter().map(|dependency| {
        let known_as = dependency.rename.as_ref().unwrap_or(&dependency.name);
        let asked_by_features =
            package.features.values().flatten().filter_map(|asked| feature_of(known_as, asked));
        let kind = match dependency.kind {
            DependencyKind::Development => Kind::Dev,
            DependencyKind::Build => Kind::Build,
            // A kind that cargo invents later is held to the rules until somebody has looked at it.
            _ => Kind::Normal,
        };
        Edge {
            to: dependency.name.clone(),
            kind,
            optional: dependency.optional,
            features: dependency
                .features
                .iter()
                .map(String::as_str)
                .chain(asked_by_features)
                .map(Into::into)
                .collect(),
        }
    });
    Member { name: package.name.to_string(), edges: edges.collect() }
}

/// `net` for `tokio/net` and `tokio?/net`, where the dependency is known as `tokio`.
fn feature_of<'a>(known_as: &str, asked: &'a str) -> Option<&'a str> {
    let (dependency, feature) = asked.split_once('/')?;
    (dependency.trim_end_matches('?') == known_as).then_some(feature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_found_in_the_feature_table_too() {
        assert_eq!(feature_of("tokio", "tokio/net"), Some("net"));
        assert_eq!(feature_of("tokio", "tokio?/net"), Some("net"));
        assert_eq!(feature_of("tokio", "tokio-util/net"), None);
        assert_eq!(feature_of("tokio", "dep:tokio"), None);
    }
}
