//! `gangway-device measure`: what another program has measured, for the device to send.

use clap::Args;
use gangway_device::clock::{Clock as _, SystemClock};
use gangway_device::store::{NotKept, Point, Spool};

use super::owner::act_as_owner;
use super::{Failure, StateDir};

#[derive(Debug, Args)]
pub(crate) struct Measure {
    /// What was measured just now, each as NAME=VALUE, for example temperature=21.5. One device has up to eight names.
    #[arg(value_name = "NAME=VALUE", required = true, value_parser = reading)]
    readings: Vec<(String, f64)>,
    #[command(flatten)]
    state: StateDir,
}

fn reading(text: &str) -> Result<(String, f64), String> {
    let (name, value) = text
        .rsplit_once('=')
        .ok_or("write a name, =, and a number: temperature=21.5")?;
    let value: f64 = value
        .trim()
        .parse()
        .map_err(|_| format!("“{value}” is not a number; write it like 21.5"))?;
    Ok((name.trim().to_owned(), value))
}

pub(crate) fn measure(measure: &Measure) -> Result<(), Failure> {
    let directory = &measure.state.state_dir;
    act_as_owner(directory)?;
    if !directory.is_dir() {
        return Err(Failure::Settings(format!(
            "{} is not there: run the device first, or name the folder of one with --state-dir",
            directory.display()
        )));
    }
    let at = SystemClock.now();
    let points: Vec<Point> = measure
        .readings
        .iter()
        .map(|(name, value)| Point {
            name: name.clone(),
            at,
            value: *value,
        })
        .collect();
    Spool::in_folder(directory)
        .keep(&points)
        .map_err(|error| match error {
            NotKept::Name(_) | NotKept::Value(_) => Failure::Settings(error.to_string()),
            NotKept::Io(error) => error.into(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_a_name_and_a_number() {
        assert_eq!(reading("temperature=21.5"), Ok(("temperature".to_owned(), 21.5)));
        assert_eq!(reading("a=b=-1e3"), Ok(("a=b".to_owned(), -1000.0)));
        assert!(reading("temperature").is_err_and(|why| why.contains("temperature=21.5")));
        assert!(reading("temperature=warm").is_err_and(|why| why.contains("warm")));
    }
}
