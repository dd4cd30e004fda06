use std::error::Error as StdError;

use tokio::sync::{AcquireError, TryAcquireError, broadcast, mpsc, oneshot, watch};
use tokio::task::JoinError;
use tokio::time::error::Elapsed;

use super::Class;
use crate::Category;

/// What the errors of tokio tell.
pub(super) fn class(error: &(dyn StdError + 'static)) -> Option<Class> {
    if error.is::<Elapsed>() {
        return Some(Category::Timeout.into());
    }
    if let Some(join) = error.downcast_ref::<JoinError>() {
        let category = if join.is_cancelled() { Category::Cancelled } else { Category::Internal };
        return Some(category.into());
    }
    if let Some(full) = error.downcast_ref::<TryAcquireError>() {
        return Some(match full {
            TryAcquireError::NoPermits => Class::from(Category::ResourceExhausted),
            TryAcquireError::Closed => gone(),
        });
    }
    if let Some(lost) = error.downcast_ref::<broadcast::error::RecvError>() {
        return Some(match lost {
            broadcast::error::RecvError::Lagged(_) => Category::ResourceExhausted.into(),
            broadcast::error::RecvError::Closed => gone(),
        });
    }
    let is_full = matches!(error.downcast_ref(), Some(broadcast::error::TryRecvError::Lagged(_)))
        || matches!(error.downcast_ref(), Some(mpsc::error::TrySendError::<()>::Full(())));
    if is_full {
        return Some(Category::ResourceExhausted.into());
    }
    // Or there is nothing yet: that may come to be as well.
    let is_gone = error.is::<mpsc::error::TryRecvError>()
        || error.is::<mpsc::error::TrySendError<()>>()
        || error.is::<oneshot::error::TryRecvError>()
        || error.is::<broadcast::error::TryRecvError>()
        || error.is::<broadcast::error::SendError<()>>()
        || error.is::<watch::error::SendError<()>>()
        || error.is::<AcquireError>()
        || error.is::<oneshot::error::RecvError>()
        || error.is::<watch::error::RecvError>()
        || error.is::<mpsc::error::SendError<()>>();
    is_gone.then(gone)
}

/// The other end has been dropped: the part of the service that it belonged to is no more.
fn gone() -> Class {
    Class::from(Category::Unavailable)
}
