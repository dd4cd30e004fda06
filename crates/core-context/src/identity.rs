use std::env;
use std::fmt;
use std::sync::OnceLock;

/// Which process this is: the same for its whole life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The service. `GENESIS_SERVICE`; default `unknown`.
    pub service: String,
    /// The environment. `GENESIS_ENV`; default `development`.
    pub environment: String,
    /// The version. `GENESIS_VERSION`; default `0.0.0`.
    pub version: String,
    /// This instance among its like. `GENESIS_INSTANCE`, or else `HOSTNAME`; default: the process id.
    pub instance: String,
}

/// The process has another identity already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityError {
    known: Box<Identity>,
}

static IDENTITY: OnceLock<Identity> = OnceLock::new();

// === impl Identity ===

impl Identity {
    /// What the environment says. What is no UTF-8 in it is shown as U+FFFD, rather than taken for absent.
    #[must_use]
    pub fn from_env() -> Self {
        Self::from_lookup(|key| env::var_os(key).map(|value| value.to_string_lossy().into_owned()))
    }

    /// What `lookup` says of each variable. Empty values count as absent.
    #[must_use]
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let get = |key| lookup(key).filter(|value| !value.trim().is_empty());
        let or = |key, default: &str| get(key).unwrap_or_else(|| default.to_owned());
        Self {
            service: or("GENESIS_SERVICE", "unknown"),
            environment: or("GENESIS_ENV", "development"),
            version: or("GENESIS_VERSION", "0.0.0"),
            instance: get("GENESIS_INSTANCE")
                .or_else(|| get("HOSTNAME"))
                .unwrap_or_else(|| std::process::id().to_string()),
        }
    }

    /// The identity of this process, once it is set.
    #[must_use]
    pub fn get() -> Option<&'static Self> {
        IDENTITY.get()
    }

    /// Makes this the identity of the process. Setting the same again is harmless.
    ///
    /// # Errors
    /// If the process has another one already.
    pub fn set(self) -> Result<&'static Self, IdentityError> {
        let known = IDENTITY.get_or_init(|| self.clone());
        core_errors::set_domain(&known.service);
        if *known == self { Ok(known) } else { Err(IdentityError { known: Box::new(known.clone()) }) }
    }
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity { service, environment, version, .. } = &*self.known;
        write!(
            f,
            "the process is {service} {version} ({environment}) already; set its identity once, at the start"
        )
    }
}

impl std::error::Error for IdentityError {}
