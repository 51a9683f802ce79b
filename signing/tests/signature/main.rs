//! Signature Version 4 against what others know of it: AWS's published test suite, and botocore's signer.

mod botocore;
mod suite;
