//! Keeps a service standing when what it depends on does not: the whole kit in one crate.
