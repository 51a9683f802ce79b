//! Where values come from, the later over the earlier: defaults, the TOML file, variables, flags.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::value::{Listen, Value};
use super::{Config, ConfigError, OptionSpec};

/// The variable that names the TOML file.
const FILE_VARIABLE: &str = "GANGWAY_CONFIG";

/// The process's variables, or a test's.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
        )
    }

    /// These variables.
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }

    /// The variable of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// It was not given.
    Default,
    /// The TOML file.
    File,
    /// A variable.
    Environment,
    /// A flag.
    Flag,
}

/// A value as text, and where it came from.
#[derive(Clone, Debug)]
pub struct Given {
    /// The text.
    pub text: String,
    /// Where it came from.
    pub source: Source,
}

/// The value of every option that has one.
#[derive(Clone, Debug, Default)]
pub struct Values(BTreeMap<&'static str, Given>);

impl Values {
    /// Collects the values of all sources. `flags` holds names as in TOML.
    ///
    /// # Errors
    /// Files that cannot be read, keys that do not exist, secrets given twice.
    pub fn collect(
        flags: &BTreeMap<String, String>,
        file: Option<&Path>,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let file = file
            .map(Path::to_owned)
            .or_else(|| environment.get(FILE_VARIABLE).map(PathBuf::from));
        let toml = match &file {
            Some(path) => read_toml(path, &mut problems),
            None => BTreeMap::new(),
        };
        let mut values = Self::defaults();
        for option in Config::options() {
            values.layer(
                option,
                Source::File,
                |suffix| toml.get(&format!("{}{suffix}", option.name)).cloned(),
                &mut problems,
            );
            let variable = option.variable();
            values.layer(
                option,
                Source::Environment,
                |suffix| {
                    environment
                        .get(&format!("{variable}{}", suffix.to_uppercase()))
                        .map(str::to_owned)
                },
                &mut problems,
            );
            values.layer(
                option,
                Source::Flag,
                |suffix| flags.get(&format!("{}{suffix}", option.name)).cloned(),
                &mut problems,
            );
        }
        values.derive_public_url();
        if problems.is_empty() {
            return Ok(values);
        }
        // Whoever corrects a file wants to hear of everything in it at once.
        if let Err(ConfigError(more)) = Config::from_values(&values) {
            problems.extend(more);
        }
        Err(ConfigError(problems))
    }

    /// The defaults of all options.
    #[must_use]
    pub fn defaults() -> Self {
        let defaults = Config::options().filter_map(|option| Some((option, option.default?)));
        Self(
            defaults
                .map(|(option, text)| {
                    (
                        option.name,
                        Given {
                            text: text.to_owned(),
                            source: Source::Default,
                        },
                    )
                })
                .collect(),
        )
    }

    /// The value of one option.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Given> {
        self.0.get(name)
    }

    /// Reads the value of one option; what is wrong with it goes to `problems`.
    pub(super) fn read<T: Value>(&self, name: &str, problems: &mut Vec<String>) -> Option<T> {
        let Some(given) = self.get(name) else {
            return T::absent();
        };
        T::parse(&given.text)
            .map_err(|problem| problems.push(format!("{name} {problem}")))
            .ok()
    }

    fn put(&mut self, option: &'static OptionSpec, text: String, source: Source) {
        self.0.insert(option.name, Given { text, source });
    }

    /// Takes over what one source says about an option, itself or by the file that holds a secret.
    fn layer(
        &mut self,
        option: &'static OptionSpec,
        source: Source,
        look_up: impl Fn(&str) -> Option<String>,
        problems: &mut Vec<String>,
    ) {
        let file = if option.secret { look_up("_file") } else { None };
        match (look_up(""), file) {
            (Some(_), Some(_)) => problems.push(format!(
                "{0} and {0}_file are both given: choose one",
                option.name
            )),
            (Some(text), None) => self.put(option, text, source),
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(text) => self.put(option, text.trim_end_matches(['\r', '\n']).to_owned(), source),
                Err(error) => problems.push(format!(
                    "{}_file names {path}, which cannot be read: {error}",
                    option.name
                )),
            },
            (None, None) => {}
        }
    }

    /// Without a `public_url` the server is for this machine, on the port it listens on.
    fn derive_public_url(&mut self) {
        let of_default = |given: Option<&Given>| given.is_none_or(|given| given.source == Source::Default);
        if !of_default(self.get("public_url")) {
            return;
        }
        let port = self
            .get("listen")
            .and_then(|given| Listen::parse(&given.text).ok())
            .map(|listen| listen.0.port());
        let scheme = if self.get("tls_certificate").is_some() {
            "https"
        } else {
            "http"
        };
        if let (Some(port), Some(given)) = (port, self.0.get_mut("public_url")) {
            given.text = format!("{scheme}://localhost:{port}");
        }
    }
}

/// The file's values as text, by dotted name.
fn read_toml(path: &Path, problems: &mut Vec<String>) -> BTreeMap<String, String> {
    let table = match std::fs::read_to_string(path) {
        Ok(text) => match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => {
                problems.push(format!("{} is not TOML: {error}", path.display()));
                return BTreeMap::new();
            }
        },
        Err(error) => {
            problems.push(format!(
                "the configuration file {} cannot be read: {error}",
                path.display()
            ));
            return BTreeMap::new();
        }
    };
    let mut values = BTreeMap::new();
    flatten("", &table, &mut values, problems);
    for name in values.keys() {
        let known = |option: &OptionSpec| {
            option.name == name || (option.secret && format!("{}_file", option.name) == *name)
        };
        if !Config::options().any(known) {
            problems.push(format!(
                "{} has the key `{name}`, which does not exist: see docs/configuration.md",
                path.display()
            ));
        }
    }
    values
}

fn flatten(
    prefix: &str,
    table: &toml::Table,
    values: &mut BTreeMap<String, String>,
    problems: &mut Vec<String>,
) {
    for (key, value) in table {
        let name = format!("{prefix}{key}");
        let text = match value {
            toml::Value::Table(inner) => {
                flatten(&format!("{name}."), inner, values, problems);
                continue;
            }
            toml::Value::String(text) => Some(text.clone()),
            toml::Value::Integer(number) => Some(number.to_string()),
            toml::Value::Boolean(flag) => Some(flag.to_string()),
            toml::Value::Array(items) => {
                let texts: Option<Vec<&str>> = items.iter().map(toml::Value::as_str).collect();
                texts.map(|texts| texts.join(","))
            }
            toml::Value::Float(_) | toml::Value::Datetime(_) => None,
        };
        match text {
            Some(text) => {
                values.insert(name, text);
            }
            None => problems.push(format!(
                "{name} has to be a text, a whole number or a list of texts"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect()
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), text).expect("it can be written");
        file
    }

    fn load(pairs: &[(&str, &str)], toml: &str, environment: &Environment) -> Result<Config, ConfigError> {
        let toml = file(toml);
        Config::from_values(&Values::collect(&flags(pairs), Some(toml.path()), environment)?)
    }

    #[test]
    fn every_default_holds_together() {
        let config = Config::from_values(&Values::defaults()).expect("the defaults are a configuration");
        assert_eq!(config.listen.0.to_string(), "127.0.0.1:8080");
        assert_eq!(config.caps.failed_codes_per_account, 5);
        assert!(config.database_url.is_none() && config.trusted_proxies.is_empty());
    }

    #[test]
    fn later_sources_win() {
        let toml = "log = 'a'\nlog_format = 'json'\nshutdown_grace_secs = 3\n[caps]\nconnections = 7";
        let environment = Environment::of([("GANGWAY_LOG", "b"), ("GANGWAY_SHUTDOWN_GRACE_SECS", "4")]);
        let config = load(&[("log", "c")], toml, &environment).expect("it holds together");
        assert_eq!(
            (
                config.log.as_str(),
                config.shutdown_grace_secs,
                config.caps.connections
            ),
            ("c", 4, 7)
        );
        assert_eq!(config.log_format, super::super::LogFormat::Json);
    }

    #[test]
    fn the_file_can_be_named_by_a_variable() {
        let toml = file("log = 'debug'");
        let path = toml.path().display().to_string();
        let environment = Environment::of([("GANGWAY_CONFIG", path.as_str())]);
        let values = Values::collect(&BTreeMap::new(), None, &environment).expect("it can be read");
        assert_eq!(values.get("log").map(|given| given.text.as_str()), Some("debug"));
    }

    #[test]
    fn secrets_can_stand_in_files() {
        let secret = file("postgres://gangway:word@db.example/gangway\n");
        let path = secret.path().display().to_string();
        let environment = Environment::of([("GANGWAY_DATABASE_URL_FILE", path.as_str())]);
        let config = load(&[], "", &environment).expect("it holds together");
        let url = config.database_url.expect("there is one");
        assert_eq!(url.expose(), "postgres://gangway:word@db.example/gangway");
        assert!(!format!("{url:?}").contains("word"));

        let both = Environment::of([
            ("GANGWAY_DATABASE_URL_FILE", path.as_str()),
            ("GANGWAY_DATABASE_URL", "postgres://x"),
        ]);
        assert!(load(&[], "", &both).is_err_and(|error| error.to_string().contains("choose one")));
    }

    #[test]
    fn the_public_url_follows_the_port() {
        let config =
            load(&[("listen", "127.0.0.1:9000")], "", &Environment::default()).expect("it holds together");
        assert_eq!(config.origin(), "http://localhost:9000");
        let config = load(
            &[("public_url", "https://panel.example")],
            "",
            &Environment::default(),
        );
        assert_eq!(
            config.expect("it holds together").origin(),
            "https://panel.example"
        );
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let toml = "listne = ':80'\n[caps]\nconnections = 'many'";
        let error = load(&[], toml, &Environment::default()).expect_err("it is wrong");
        assert!(error.to_string().contains("`listne`, which does not exist"));

        let wrong = [
            ("listen", "here"),
            ("public_url", "http://192.0.2.1"),
            ("trusted_proxies", "10.0.0.0/8, proxy"),
        ];
        let error = load(&wrong, "", &Environment::default())
            .expect_err("it is wrong")
            .to_string();
        assert!(
            error.contains("listen is not an address") && error.contains("trusted_proxies holds `proxy`"),
            "{error}"
        );

        let alone = [("tls_key", "key.pem"), ("public_url", "http://192.0.2.1")];
        let error = load(&alone, "", &Environment::default())
            .expect_err("it is wrong")
            .to_string();
        assert!(
            error.contains("IP address") && error.contains("belong together"),
            "{error}"
        );
    }
}
