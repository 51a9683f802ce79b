//! Tells cargo what the macros embed: the migrations, and the panel's files that scripts/split-panel leaves in `dist`.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    // Without the panel's files the server still builds; the folder must be there to be watched and embedded.
    if let Err(error) = std::fs::create_dir_all("../dist") {
        println!("cargo::warning=cannot make the folder `dist`: {error}");
    }
    println!("cargo::rerun-if-changed=../dist");
}
