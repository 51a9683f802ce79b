//! Why the server, or a command beside it, does not start: told to an operator, in words that say what to do.

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database is not usable, or a query at start failed.
    #[error("{0}")]
    Database(Box<dyn std::error::Error + Send + Sync>),
    /// A file or folder is not usable; the text names it and says what to do.
    #[error("{what}: {error}")]
    File {
        /// Which one, and for what.
        what: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// Anything else that an operator has to put right, told in a sentence.
    #[error("{0}")]
    Refused(String),
}
