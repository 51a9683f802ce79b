//! The figures: printed as they come, kept as JSON.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Figures by key. Opened over the file of an earlier run, so that `--only` renews some and keeps the rest.
pub(crate) struct Report {
    path: PathBuf,
    figures: BTreeMap<String, f64>,
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
        })
    }

    /// Takes one figure. `mark` is the value to reach, in words.
    pub(crate) fn figure(&mut self, key: &str, value: f64, unit: &str, mark: &str) {
        let shown = if value >= 100.0 {
            format!("{value:.0}")
        } else {
            format!("{value:.3}")
        };
        println!("{key:<38} {shown:>14} {unit:<12} {mark}");
        self.figures.insert(key.to_owned(), value);
    }

    /// Writes the JSON.
    pub(crate) fn write(&self) -> anyhow::Result<()> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&self.path, serde_json::to_vec_pretty(&self.figures)?)?;
        println!("\nwritten to {}", self.path.display());
        Ok(())
    }
}

/// The value below which `quantile` (0 to 1) of the samples lie; sorts them.
pub(crate) fn quantile(samples: &mut [f64], quantile: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    let last = samples.len().saturating_sub(1);
    // A count of samples is far below 2^52: the conversion is exact.
    let at = (quantile * count(last)).round();
    samples
        .get(
            samples
                .iter()
                .enumerate()
                .map(|(i, _)| i)
                .find(|i| count(*i) >= at)
                .unwrap_or(0),
        )
        .copied()
        .unwrap_or(f64::NAN)
}

/// A count as a floating-point number.
pub(crate) fn count(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::MAX, f64::from)
}
