//! One JSON object a line from tracing, with the context of the request in it.
