//! wasm-split reads the relocations that the linker leaves where it is asked. They are asked of this crate alone, so that no
//! dependency is built a second time for them.

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells build scripts what they build for by the environment alone"
)]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").as_deref() == Ok("wasm32") {
        println!("cargo::rustc-link-arg-cdylib=--emit-relocs");
    }
}
