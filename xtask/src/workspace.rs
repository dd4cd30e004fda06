use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand};

use crate::failure::Failure;

/// The folder of the workspace, wherever the command was started.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// Where builds and their by-products go.
pub(crate) fn target() -> PathBuf {
    root().join("target")
}

/// What the manifests of the workspace at `manifest` say. Resolves nothing and needs no network.
pub(crate) fn metadata(manifest: &Path) -> Result<Metadata, Failure> {
    MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .map_err(|e| Failure::new(format!("the workspace of {} could not be read: {e}", manifest.display())))
}

/// The metadata of this workspace.
pub(crate) fn own() -> Result<Metadata, Failure> {
    metadata(&root().join("Cargo.toml"))
}
