//! Replies to creations that may be repeated.
