//! The figures: printed as they come, each beside the mark it should reach, and kept as JSON.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// What a figure should reach.
#[derive(Clone, Copy)]
pub(crate) enum Mark {
    /// Nothing is asked of it: it explains another, or is watched.
    None,
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Mark {
    /// A figure that is not a number reaches nothing.
    fn is_reached_by(self, value: f64) -> bool {
        match self {
            Self::None => true,
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }

    fn in_words(self) -> String {
        match self {
            Self::None => String::new(),
            Self::AtMost(most) => format!("≤ {}", brief(most)),
            Self::AtLeast(least) => format!("≥ {}", brief(least)),
        }
    }
}

/// Figures by key. Opened over the file of an earlier run, so that `--only` renews some and keeps the rest.
pub(crate) struct Report {
    path: PathBuf,
    figures: BTreeMap<String, f64>,
    missed: Vec<String>,
}

impl Report {
    /// Reads what an earlier run left, if any.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let figures = match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).context("the earlier figures are not JSON")?,
            Err(_) => BTreeMap::new(),
        };
        Ok(Self {
            path: path.to_owned(),
            figures,
            missed: Vec::new(),
        })
    }

    /// Takes one figure.
    pub(crate) fn figure(&mut self, key: &str, value: f64, unit: &str, mark: Mark) {
        let missed = !mark.is_reached_by(value);
        let verdict = match (mark, missed) {
            (Mark::None, _) => "",
            (_, false) => "reached",
            (_, true) => "MISSED",
        };
        let line = format!("{key:<30} {:>12} {unit:<5} {:>9}", brief(value), mark.in_words());
        println!("{}", format!("{line}  {verdict}").trim_end());
        if missed {
            self.missed.push(line);
        }
        self.figures.insert(key.to_owned(), value);
    }

    /// Writes the JSON, and says once more what was missed.
    pub(crate) fn write(&self) -> anyhow::Result<()> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&self.path, serde_json::to_vec_pretty(&self.figures)?)?;
        println!("\nwritten to {}", self.path.display());
        if self.missed.is_empty() {
            println!("every mark was reached");
        } else {
            println!("\nMISSED:\n{}", self.missed.join("\n"));
        }
        Ok(())
    }
}

/// Four digits are what such figures are good for.
fn brief(value: f64) -> String {
    match value {
        value if value >= 1000.0 => grouped(&format!("{value:.0}")),
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value == value.trunc() => format!("{value:.0}"),
        value => format!("{value:.2}"),
    }
}

/// Digits in groups of three.
fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The value below which `quantile` (0 to 1) of the samples lie; sorts them.
pub(crate) fn quantile(samples: &mut [f64], quantile: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    let last = count(samples.len().saturating_sub(1));
    let below = samples
        .iter()
        .enumerate()
        .find(|(index, _)| count(*index) >= (quantile * last).round());
    below.map_or(f64::NAN, |(_, sample)| *sample)
}

/// A count as a floating-point number.
pub(crate) fn count(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::INFINITY, f64::from)
}

/// A number of bytes as a floating-point number.
pub(crate) fn bytes(n: u64) -> f64 {
    // What is measured here stays far below 4 TiB, so that the division loses nothing that would show.
    u32::try_from(n / 1024).map_or(f64::INFINITY, f64::from) * 1024.0
        + u32::try_from(n % 1024).map_or(0.0, f64::from)
}
