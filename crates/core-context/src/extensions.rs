//! What an application adds to a context, by its type.

use std::any::{Any, TypeId};
use std::sync::Arc;

/// A few values, each of its own type.
#[derive(Clone, Default)]
pub(crate) struct Extensions(Vec<Extension>);

#[derive(Clone)]
struct Extension {
    of: TypeId,
    value: Arc<dyn Any + Send + Sync>,
    /// Whether it goes along with work that nobody waits for.
    detaches: bool,
}

/// More types than this are a design gone wrong: a context is no service registry.
const TYPES_MAX: usize = 32;

// === impl Extensions ===

impl Extensions {
    pub(crate) fn get<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.find::<T>()?.downcast_ref()
    }

    pub(crate) fn share<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::clone(self.find::<T>()?).downcast().ok()
    }

    fn find<T: Any>(&self) -> Option<&Arc<dyn Any + Send + Sync>> {
        // A handful is looked through faster than it is hashed.
        let found = self.0.iter().find(|extension| extension.of == TypeId::of::<T>())?;
        Some(&found.value)
    }

    pub(crate) fn insert<T: Any + Send + Sync>(&mut self, value: T, detaches: bool) {
        let new = Extension { of: TypeId::of::<T>(), value: Arc::new(value), detaches };
        match self.0.iter().position(|extension| extension.of == new.of) {
            Some(at) => self.0[at] = new,
            None if self.0.len() < TYPES_MAX => self.0.push(new),
            None => {}
        }
    }

    /// Whether all of it goes along with work that nobody waits for.
    pub(crate) fn all_detach(&self) -> bool {
        self.0.iter().all(|extension| extension.detaches)
    }

    pub(crate) fn detached(&self) -> Self {
        Self(self.0.iter().filter(|extension| extension.detaches).cloned().collect())
    }
}
