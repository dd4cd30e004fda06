//! Who is asking, on which trace, and until when: carried across await, tasks and services.
