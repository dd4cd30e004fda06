use crate::summary::Summary;

/// Who is told of each execution that is kept, when it ends, beside the [line](crate::CanonicalLine) in the log.
///
/// It runs when and on the thread where the execution ends, in the context in which that started, with no lock held; what takes long
/// belongs elsewhere. A panic of it stays inside. Of executions that end in it nobody is told, neither it nor the log: they are counted and
/// kept like all others.
pub trait Sink: Send + Sync {
    /// One that is kept.
    fn kept(&self, summary: &Summary);
}

impl<F: Fn(&Summary) + Send + Sync> Sink for F {
    fn kept(&self, summary: &Summary) {
        self(summary);
    }
}
