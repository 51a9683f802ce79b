//! Server-side rendering of the panel.
