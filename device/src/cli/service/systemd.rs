//! Linux: a systemd unit. Its log gets no code; `gangway-device status` shows it, and `gangway-device answer` answers.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use gangway_device::config::proxies_from_environment;

use super::Install;
use crate::cli::Failure;

#[path = "reach.rs"]
mod reach;

const UNIT: &str = "gangway-device.service";
/// Beside the state directory's usual place; units can be read by everybody.
const ENVIRONMENT_FILE: &str = "/etc/gangway-device.environment";
const UNIT_FILE: &str = "/etc/systemd/system/gangway-device.service";

pub(super) fn install(install: &Install) -> Result<(), Failure> {
    let program = std::env::current_exe()?;
    let unit = unit(&program, install)?;
    if install.print {
        print!("{unit}");
        return Ok(());
    }
    let state_dir = std::path::absolute(&install.state.state_dir)?;
    reach::state_dir(&state_dir).map_err(|reason| unreachable("state directory", &state_dir, &reason))?;
    let files = [Some(program.as_path()), install.server.ca_file.as_deref()];
    for file in files.into_iter().flatten() {
        let file = std::path::absolute(file)?;
        reach::file(&file).map_err(|reason| unreachable("file", &file, &reason))?;
    }
    if !Path::new("/run/systemd/system").is_dir() {
        return Err(Failure::Unsupported(
            "systemd does not run here; start `gangway-device run --service` with the service manager that does".to_owned(),
        ));
    }
    if let Some(environment) = environment() {
        write(ENVIRONMENT_FILE, &environment, 0o600)?;
    }
    write(UNIT_FILE, &unit, 0o644)?;
    systemctl(&["daemon-reload"])?;
    systemctl(&["enable", "--now", UNIT])?;
    println!("The device runs, now and whenever this machine runs. Its code: gangway-device status");
    Ok(())
}

pub(super) fn uninstall() -> Result<(), Failure> {
    if !Path::new(UNIT_FILE).exists() {
        println!("There is nothing to remove.");
        return Ok(());
    }
    systemctl(&["disable", "--now", UNIT])?;
    std::fs::remove_file(UNIT_FILE).map_err(|error| {
        Failure::Unexpected(format!(
            "{UNIT_FILE} could not be removed ({error}); run this as root"
        ))
    })?;
    if Path::new(ENVIRONMENT_FILE).exists() {
        std::fs::remove_file(ENVIRONMENT_FILE).map_err(|error| {
            Failure::Unexpected(format!("{ENVIRONMENT_FILE} could not be removed ({error})"))
        })?;
    }
    systemctl(&["daemon-reload"])?;
    println!("Removed. The state directory stays; `gangway-device reset` empties it.");
    Ok(())
}

pub(super) fn serve(_install: &Install) -> Result<(), Failure> {
    Err(Failure::Unsupported(
        "only Windows starts services like this; use `gangway-device run --service`".to_owned(),
    ))
}

fn systemctl(arguments: &[&str]) -> Result<(), Failure> {
    let status = Command::new("systemctl").args(arguments).status()?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::Unexpected(format!(
        "systemctl {} failed; run this as root",
        arguments.join(" ")
    )))
}

/// The unit. It runs as root, to read the machine's serial number, and without any of root's rights.
fn unit(program: &Path, install: &Install) -> Result<String, Failure> {
    let program = program
        .to_str()
        .ok_or_else(|| Failure::Settings("the program's path is not text; move it".to_owned()))?;
    let mut command = vec![quoted(program), "run".to_owned(), "--service".to_owned()];
    command.extend(install.arguments()?.iter().map(|argument| quoted(argument)));
    let state_dir = std::path::absolute(&install.state.state_dir)?;
    Ok(format!(
        "\
[Unit]
Description=Gangway device
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
ExecStart={command}
EnvironmentFile=-{ENVIRONMENT_FILE}
Restart=always
RestartSec=5
UMask=0077
ExecStartPre=/bin/mkdir -p -m 0700 {state_dir}
ReadWritePaths=-{state_dir}
ProtectSystem=full
ProtectHome=read-only
PrivateTmp=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
",
        command = command.join(" "),
        state_dir = quoted(state_dir.to_str().unwrap_or_default()),
    ))
}

fn unreachable(what: &str, path: &Path, reason: &str) -> Failure {
    Failure::Settings(format!(
        "the service could not use the {what} {}: {reason}. It runs as root without root's rights; choose another place, such as \
         /var/lib/gangway-device",
        path.display()
    ))
}

/// The proxies, for a file that only root can read: a proxy's URL may hold a password, and everybody can read units.
fn environment() -> Option<String> {
    let proxies = proxies_from_environment();
    let proxy = proxies.https?;
    Some(format!(
        "HTTPS_PROXY={}\nNO_PROXY={}\n",
        in_environment_file(&proxy),
        in_environment_file(&proxies.none)
    ))
}

/// systemd.exec(5), "EnvironmentFile=": within double quotes a backslash escapes, and nothing is expanded.
fn in_environment_file(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

/// Writes a file whole, with these permissions from its first byte on.
fn write(path: &str, text: &str, mode: u32) -> Result<(), Failure> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

    let write = || {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(path)?;
        file.set_permissions(std::fs::Permissions::from_mode(mode))?;
        file.write_all(text.as_bytes())
    };
    write().map_err(|error: std::io::Error| {
        Failure::Unexpected(format!("{path} could not be written ({error}); run this as root"))
    })
}

/// systemd.service(5), "Command lines": quotes group, `\` escapes within them, `%` and `$` are doubled.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    let escaped = text
        .replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('%', "%%")
        .replace('$', "$$");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_would_read_otherwise_is_escaped() {
        assert_eq!(quoted("https://panel.example:8443"), "https://panel.example:8443");
        assert_eq!(quoted("Room 7"), "\"Room 7\"");
        assert_eq!(quoted(r#"50% of $5 "\""#), r#""50%% of $$5 \"\\\"""#);
        assert_eq!(quoted(""), "\"\"");
    }

    #[test]
    fn a_proxys_password_stands_in_a_file_that_only_root_can_read() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("environment");
        std::fs::write(&path, "older").expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("readable by all");
        let text = path.to_str().expect("text");
        write(text, "HTTPS_PROXY=x", 0o600).expect("written");
        let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            in_environment_file(r#"http://a:"\$#@p"#),
            r#""http://a:\"\\$#@p""#
        );
    }
}
