//! Tells the device software when it was built: a device whose clock lost the date after a power cut knows that the
//! present is not earlier than that (see `src/clock.rs`).

fn main() {
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=GANGWAY_BUILD_EPOCH_SECS={}", build_epoch_secs());
}

/// `SOURCE_DATE_EPOCH` where the build is to be reproducible (<https://reproducible-builds.org/specs/source-date-epoch/>).
fn build_epoch_secs() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "a build script is configured by the environment"
    )]
    let fixed = std::env::var("SOURCE_DATE_EPOCH")
        .ok()
        .and_then(|text| text.parse().ok());
    fixed.unwrap_or_else(|| {
        #[expect(
            clippy::disallowed_methods,
            reason = "the time of the build is what this script reports"
        )]
        let now = std::time::SystemTime::now();
        now.duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    })
}
