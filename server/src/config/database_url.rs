//! `database_url` as PostgreSQL's own programs read it (libpq, "Connection URIs"), written anew in the one form that the driver
//! reads the same: everything as a parameter. The driver's reader, which is one of web addresses, refuses a user without a host
//! and takes parameters that it does not know for nothing.
//!
//! 1. [`read`] takes the text apart by libpq's rules.
//! 2. What the driver cannot do is refused with the reason ([`Parts::check`]); nothing that changes to whom one speaks, or how
//!    surely, is passed over.
//! 3. [`driver_url`] gives the result.

use std::net::IpAddr;
use std::path::Path;

use form_urlencoded::Serializer;
use percent_encoding::percent_decode_str;

use super::Environment;

const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];
/// Parameters that the driver knows, in the spelling of libpq; `statement-cache-capacity` is its own.
const TAKEN: [&str; 13] = [
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "application_name",
    "options",
    "statement-cache-capacity",
];
/// The driver's other spellings of those.
const ALIASES: [(&str, &str); 5] = [
    ("ssl-mode", "sslmode"),
    ("ssl-root-cert", "sslrootcert"),
    ("ssl-ca", "sslrootcert"),
    ("ssl-cert", "sslcert"),
    ("ssl-key", "sslkey"),
];
/// Parameters of libpq that only say how long something takes, or what this program says by itself.
const WITHOUT_EFFECT: [&str; 9] = [
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "fallback_application_name",
    "client_encoding",
    "sslcompression",
];
/// Values that ask for nothing beyond what is done anyway: a standby is never written to, and what is negotiated is.
const ALREADY_SO: [(&str, &[&str]); 4] = [
    ("target_session_attrs", &["any", "read-write", "primary"]),
    ("channel_binding", &["disable", "prefer"]),
    ("gssencmode", &["disable", "prefer"]),
    ("load_balance_hosts", &["disable"]),
];
const SSL_MODES: [&str; 6] = [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];

/// Where PostgreSQL's programs look for a socket (Debian, and PostgreSQL's own default), as the driver does.
const SOCKET_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// The URL for the driver.
///
/// # Errors
/// What is wrong with it, in a sentence without its password.
pub(super) fn driver_url(url: &str) -> Result<String, String> {
    let mut parts = read(url)?;
    parts.check()?;
    parts.find_socket();
    let place = "postgres:///?";
    let mut text = Serializer::for_suffix(place.to_owned(), place.len());
    for (name, value) in &parts.0 {
        text.append_pair(name, value);
    }
    Ok(text.finish())
}

/// Parameters, each once and none empty: an empty one stands for the default.
struct Parts(Vec<(String, String)>);

fn read(url: &str) -> Result<Parts, String> {
    let rest = SCHEMES.iter().find_map(|scheme| url.strip_prefix(scheme)).ok_or(
        "database_url does not begin with postgres://: other databases cannot be used, and SQLite needs no URL, only data_dir",
    )?;
    let mut parts = Parts(Vec::new());
    // A user ends at the `@` before the first slash; a password may hold others, and `?` and `#`.
    let authority = rest.split('/').next().unwrap_or_default();
    let rest = match authority.rfind('@') {
        Some(at) => {
            let user = &authority[..at];
            let (user, password) = user.split_once(':').unwrap_or((user, ""));
            parts.put("user", &decoded(user)?);
            parts.put("password", &decoded(password)?);
            &rest[at + 1..]
        }
        None => rest,
    };
    let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, database) = place.split_once('/').unwrap_or((place, ""));
    let (host, port) = match host.strip_prefix('[') {
        Some(address) => {
            let (address, port) = address
                .split_once(']')
                .ok_or("database_url has an IPv6 address whose bracket does not close")?;
            (address, port.strip_prefix(':').unwrap_or(port))
        }
        None => host.split_once(':').unwrap_or((host, "")),
    };
    parts.put("host", &decoded(host)?);
    parts.put("port", &decoded(port)?);
    parts.put("dbname", &decoded(database)?);
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        // Neither is shown: what a password left unencoded may lie here.
        let (name, value) = parameter
            .split_once('=')
            .ok_or("database_url has a parameter without a value after its `?`")?;
        parts.put(&decoded(name)?, &decoded(value)?);
    }
    Ok(parts)
}

fn decoded(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded =
        decoded.map_err(|_| "database_url holds percent-encoded bytes that are not UTF-8".to_owned())?;
    if decoded.contains('\0') {
        return Err("database_url holds the character NUL (%00), which no part of it can have".to_owned());
    }
    Ok(decoded.into_owned())
}

impl Parts {
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The last word counts: libpq lets parameters replace what stands before them.
    fn put(&mut self, name: &str, value: &str) {
        let (name, value) = match (name, value) {
            // JDBC's way to say it, which libpq takes.
            ("ssl", "true") => ("sslmode", "require"),
            (name, value) => {
                let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
                (alias.map_or(name, |(_, name)| name), value)
            }
        };
        self.0.retain(|(given, _)| given != name);
        if !value.is_empty() {
            self.0.push((name.to_owned(), value.to_owned()));
        }
    }

    fn check(&mut self) -> Result<(), String> {
        self.0
            .retain(|(name, _)| !WITHOUT_EFFECT.contains(&name.as_str()));
        self.0.retain(|(name, value)| {
            !ALREADY_SO
                .iter()
                .any(|(known, values)| known == name && values.contains(&value.as_str()))
        });
        for (name, _) in &self.0 {
            let of_driver = name.starts_with("options[") && name.ends_with(']');
            if !TAKEN.contains(&name.as_str()) && !of_driver {
                let name: String = name
                    .chars()
                    .filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
                    .collect();
                return Err(format!(
                    "database_url has the parameter {name} with a value that this server cannot do: leave it out"
                ));
            }
        }
        let (host, port) = (self.get("host").unwrap_or_default(), self.get("port"));
        if host.contains(',') || port.is_some_and(|port| port.contains(',')) {
            return Err("database_url names several hosts: give the one that can be written to, or a name that leads to it".to_owned());
        }
        if host.starts_with('@') {
            return Err("database_url names a socket in the abstract namespace, which this server cannot reach: give the folder of a socket file, or a host".to_owned());
        }
        if port.is_some_and(|port| port.parse::<u16>().unwrap_or_default() == 0) {
            return Err("database_url has a port that is not a number from 1 to 65535 (in a password, / is written %2F)".to_owned());
        }
        if self
            .get("hostaddr")
            .is_some_and(|address| address.parse::<IpAddr>().is_err())
        {
            return Err("database_url has a hostaddr that is not an IP address".to_owned());
        }
        let mode = self.get("sslmode");
        if mode.is_some_and(|mode| !SSL_MODES.contains(&mode)) {
            return Err(format!(
                "database_url has an sslmode that is none of {}",
                SSL_MODES.join(", ")
            ));
        }
        if self
            .get("statement-cache-capacity")
            .is_some_and(|capacity| capacity.parse::<usize>().is_err())
        {
            return Err("database_url has a statement-cache-capacity that is not a number".to_owned());
        }
        if self.get("hostaddr").is_some() && !host.is_empty() {
            // libpq connects to the one and has the other's certificate; the driver knows one of them.
            if mode == Some("verify-full") {
                return Err("database_url has host and hostaddr, of which the certificate could only be compared with the latter: leave hostaddr out".to_owned());
            }
            self.put("host", "");
        }
        Ok(())
    }

    /// Without a host PostgreSQL's programs take the socket of the port; the driver looks for that of the default port. On a
    /// socket there is no TLS, whatever `sslmode` says (libpq).
    fn find_socket(&mut self) {
        let environment = Environment::of_process();
        let is_named = ["host", "hostaddr"].iter().any(|name| self.get(name).is_some())
            || ["PGHOST", "PGHOSTADDR"]
                .iter()
                .any(|name| environment.get(name).is_some());
        if let (false, Some(port)) = (is_named, self.get("port")) {
            let file = format!(".s.PGSQL.{port}");
            let found = SOCKET_FOLDERS
                .iter()
                .find(|folder| Path::new(folder).join(&file).exists());
            if let Some(folder) = found {
                self.put("host", folder);
            }
        }
        if self.get("host").is_some_and(|host| host.starts_with('/')) {
            self.put("sslmode", "disable");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the driver reads, without its first letters.
    fn reads(url: &str) -> String {
        let read = driver_url(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        read.trim_start_matches("postgres:///?").to_owned()
    }

    #[test]
    fn urls_are_read_as_libpq_reads_them() {
        for (url, read) in [
            ("postgres://", ""),
            ("postgresql:///db", "dbname=db"),
            (
                "postgres://gangway@db.example/gangway",
                "user=gangway&host=db.example&dbname=gangway",
            ),
            (
                "postgres:///db?host=/run/postgresql",
                "dbname=db&host=%2Frun%2Fpostgresql&sslmode=disable",
            ),
            (
                "postgres://user@/db?host=/run/postgresql&port=5433",
                "user=user&dbname=db&host=%2Frun%2Fpostgresql&port=5433&sslmode=disable",
            ),
            (
                "postgres://user@%2Frun%2Fpostgresql/db",
                "user=user&host=%2Frun%2Fpostgresql&dbname=db&sslmode=disable",
            ),
            (
                "postgres://%2Frun%2Fpostgresql:5433/db?sslmode=require",
                "host=%2Frun%2Fpostgresql&port=5433&dbname=db&sslmode=disable",
            ),
            (
                "postgres://u:a%20b%25+c@h:1/d%2Fb?sslmode=verify-full&connect_timeout=3",
                "user=u&password=a+b%25%2Bc&host=h&port=1&dbname=d%2Fb&sslmode=verify-full",
            ),
            (
                "postgres://u:p@ss?#w@h/db",
                "user=u&password=p%40ss%3F%23w&host=h&dbname=db",
            ),
            (
                "postgres://[2001:db8::1]:5433/db",
                "host=2001%3Adb8%3A%3A1&port=5433&dbname=db",
            ),
            ("postgres://[::1]/", "host=%3A%3A1"),
            (
                "postgres://h/db?dbname=other&user=me&ssl=true",
                "host=h&dbname=other&user=me&sslmode=require",
            ),
            ("postgres://h:/db", "host=h&dbname=db"),
            (
                "postgres://h/db?hostaddr=192.0.2.1",
                "dbname=db&hostaddr=192.0.2.1",
            ),
            (
                "postgres://h?target_session_attrs=read-write&channel_binding=prefer",
                "host=h",
            ),
            (
                "postgres://h?options=-c%20geqo%3Doff&options[jit]=off",
                "host=h&options=-c+geqo%3Doff&options%5Bjit%5D=off",
            ),
        ] {
            assert_eq!(reads(url), read, "{url}");
        }
    }

    #[test]
    fn what_the_driver_cannot_do_is_refused_with_the_reason_and_without_the_password() {
        for (url, words) in [
            ("mysql://h/db", "does not begin with postgres://"),
            (
                "host=/run/postgresql dbname=s3cret",
                "does not begin with postgres://",
            ),
            ("postgres://one,two/db", "several hosts"),
            ("postgres:///db?host=one,two", "several hosts"),
            ("postgres://u:s3cret/x@h/db", "port that is not a number"),
            ("postgres://h:0/db", "port that is not a number"),
            ("postgres://h/db?port=s3cret", "port that is not a number"),
            ("postgres:///db?host=@abstract", "abstract namespace"),
            ("postgres://[::1/db", "bracket"),
            ("postgres://h/db?s3cret", "without a value"),
            ("postgres://h/db?sslmode=always", "none of disable, allow"),
            ("postgres://h/db?channel_binding=require", "channel_binding"),
            (
                "postgres://h/db?target_session_attrs=standby",
                "target_session_attrs",
            ),
            ("postgres://h/db?service=works", "service"),
            ("postgres://h/db?hostaddr=name", "not an IP address"),
            (
                "postgres://h/db?hostaddr=192.0.2.1&sslmode=verify-full",
                "leave hostaddr out",
            ),
            ("postgres://h/%ff", "UTF-8"),
            ("postgres://h/a%00b", "NUL"),
        ] {
            let error = driver_url(url).expect_err(url);
            assert!(
                error.contains(words) && !error.contains("s3cret"),
                "{url}: {error}"
            );
        }
    }
}
