//! The options as flags of commands, made from their table.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, builder::PossibleValuesParser};

use super::sources::Environment;
use super::{Config, ConfigError, OptionSpec, Scope, Values};

const HEADING: &str = "Configuration (docs/configuration.md)";

/// Flags of commands that serve: every option.
#[derive(Clone, Debug, Default)]
pub struct ServeFlags(Flags);

/// Flags of commands that work on the data beside a server. The other options still count where file or variables give them.
#[derive(Clone, Debug, Default)]
pub struct DataFlags(Flags);

#[derive(Clone, Debug, Default)]
struct Flags {
    given: BTreeMap<String, String>,
    file: Option<PathBuf>,
}

impl Flags {
    fn values(&self, environment: &Environment) -> Result<Values, ConfigError> {
        Values::collect(&self.given, self.file.as_deref(), environment)
    }
}

impl ServeFlags {
    /// Every value, with its source.
    ///
    /// # Errors
    /// [`Values::collect`].
    pub fn values(&self, environment: &Environment) -> Result<Values, ConfigError> {
        self.0.values(environment)
    }

    /// The configuration.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn load(&self, environment: &Environment) -> Result<Config, ConfigError> {
        Config::from_values(&self.0.values(environment)?)
    }
}

impl DataFlags {
    /// Every value, with its source.
    ///
    /// # Errors
    /// [`Values::collect`].
    pub fn values(&self, environment: &Environment) -> Result<Values, ConfigError> {
        self.0.values(environment)
    }

    /// The configuration.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn load(&self, environment: &Environment) -> Result<Config, ConfigError> {
        Config::from_values(&self.0.values(environment)?)
    }
}

fn taken(everything: bool) -> impl Iterator<Item = &'static OptionSpec> {
    Config::options().filter(move |option| everything || option.scope == Scope::Everywhere)
}

fn add(command: Command, everything: bool) -> Command {
    let file = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .help("TOML file with options [env: GANGWAY_CONFIG]")
        .help_heading(HEADING);
    taken(everything).fold(command.arg(file), |command, option| {
        let command = command.arg(flag(option));
        if option.secret {
            command.arg(secret_file_flag(option))
        } else {
            command
        }
    })
}

fn flag(option: &OptionSpec) -> Arg {
    let default = option
        .default
        .map(|text| format!(" [default: {text}]"))
        .unwrap_or_default();
    let doc = option.doc.split_whitespace().collect::<Vec<_>>().join(" ");
    let arg = Arg::new(option.name)
        .long(option.flag())
        .value_name(option.placeholder)
        .help(format!("{doc}{default} [env: {}]", option.variable()))
        .help_heading(HEADING);
    // Completion and help know the words; everything else is read where file and variables are.
    match option.name {
        "log_format" => arg.value_parser(PossibleValuesParser::new(["text", "json"])),
        "ca_key_readers" => arg.value_parser(PossibleValuesParser::new(["owner", "group", "everybody"])),
        _ => arg,
    }
}

fn secret_file_flag(option: &OptionSpec) -> Arg {
    Arg::new(format!("{}_file", option.name))
        .long(format!("{}-file", option.flag()))
        .value_name("PATH")
        .help(format!(
            "File that holds {} [env: {}_FILE]",
            option.name,
            option.variable()
        ))
        .help_heading(HEADING)
}

fn take(matches: &ArgMatches, everything: bool) -> Flags {
    let mut given = BTreeMap::new();
    for option in taken(everything) {
        for name in [option.name.to_owned(), format!("{}_file", option.name)] {
            if let Ok(Some(text)) = matches.try_get_one::<String>(&name) {
                given.insert(name, text.clone());
            }
        }
    }
    Flags {
        given,
        file: matches.get_one::<String>("config").map(PathBuf::from),
    }
}

macro_rules! flags {
    ($name:ident, $everything:literal) => {
        impl Args for $name {
            fn augment_args(command: Command) -> Command {
                add(command, $everything)
            }

            fn augment_args_for_update(command: Command) -> Command {
                Self::augment_args(command)
            }
        }

        impl FromArgMatches for $name {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                Ok(Self(take(matches, $everything)))
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                self.0 = take(matches, $everything);
                Ok(())
            }
        }
    };
}

flags!(ServeFlags, true);
flags!(DataFlags, false);
