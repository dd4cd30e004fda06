//! Request contexts from headers, failures as problem+json, headers on the way out.
