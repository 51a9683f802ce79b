//! What a visitor waits for: the bytes of the first load, and the server's rendering of the first page.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::{Context as _, ensure};

use crate::Options;
use crate::http;
use crate::report::{Mark, Report, count, quantile};
use crate::server::Server;

const RENDERINGS: usize = 300;

/// Takes `first_load_raw_bytes` and `first_load_brotli_bytes`, what the start page names of wasm, JavaScript and CSS, as the
/// server sends it to a browser that takes nothing, and to one that takes brotli; the latter for pages with code of their own; and
/// `crossing_brotli_bytes`, with what the code page loads while the person types.
pub(crate) async fn first_load(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(options).await?;
    let raw = load(&server, "/", "identity").await?;
    report.figure("first_load_raw_bytes", raw, "B", Mark::None);
    let brotli = load(&server, "/", "br").await?;
    report.figure("first_load_brotli_bytes", brotli, "B", Mark::AtMost(90_000.0));
    for (page, mark) in [("link", 150_000.0), ("fleet", 135_000.0), ("setup", 110_000.0)] {
        let brotli = load(&server, &format!("/{page}"), "br").await?;
        let name = format!("first_load_{page}_brotli_bytes");
        report.figure(&name, brotli, "B", Mark::AtMost(mark));
    }
    let mut files = named(&server, "/link").await?;
    files.extend(part(&files, "conversation")?);
    let crossing = sum(&server, &files, "br").await?;
    report.figure("crossing_brotli_bytes", crossing, "B", Mark::None);
    Ok(())
}

/// The bytes of everything that a page names.
async fn load(server: &Server, page: &str, accept_encoding: &str) -> anyhow::Result<f64> {
    let files = named(server, page).await?;
    sum(server, &files, accept_encoding).await
}

/// The files of the panel that a page names.
async fn named(server: &Server, page: &str) -> anyhow::Result<BTreeSet<String>> {
    let text = String::from_utf8(http::get(server.address, page, "identity").await?)?;
    let files: BTreeSet<String> = text
        .split(['"', '\''])
        .filter(|text| text.starts_with("/pkg/"))
        .filter(|text| {
            [".wasm", ".js", ".css"]
                .iter()
                .any(|ending| text.ends_with(ending))
        })
        .map(str::to_owned)
        .collect();
    ensure!(
        files.len() >= 3,
        "{page} names {files:?}: was the server built with the panel (make build)?"
    );
    Ok(files)
}

/// The files of a part that is loaded later, as the build wrote them down; they lie in the folder of the others.
fn part(beside: &BTreeSet<String>, name: &str) -> anyhow::Result<Vec<String>> {
    let folder = beside.first().and_then(|file| file.rsplit_once('/'));
    let (folder, _) = folder.context("no file of the panel")?;
    let parts = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../dist/parts"))?;
    let line = parts
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let files = line.with_context(|| format!("dist/parts knows no {name}"))?;
    Ok(files.split(' ').map(|file| format!("{folder}/{file}")).collect())
}

async fn sum(server: &Server, files: &BTreeSet<String>, accept_encoding: &str) -> anyhow::Result<f64> {
    let mut sum = 0;
    for file in files {
        sum += http::get(server.address, file, accept_encoding).await?.len();
    }
    Ok(count(sum))
}

/// Takes `first_page_ms`: the median time from connecting to the last byte of the first page.
pub(crate) async fn rendered(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let server = Server::start(options).await?;
    let mut times = Vec::with_capacity(RENDERINGS);
    for _ in 0..RENDERINGS {
        let started = Instant::now();
        let page = http::get(server.address, "/", "identity").await?;
        times.push(started.elapsed().as_secs_f64() * 1e3);
        ensure!(
            page.windows(7).any(|window| window == b"</html>"),
            "the page is not whole"
        );
    }
    report.figure("first_page_ms", quantile(&mut times, 0.5), "ms", Mark::None);
    Ok(())
}
