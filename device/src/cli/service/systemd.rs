//! Linux: a systemd unit. Its log gets no code; `gangway-device status` shows it, and `gangway-device answer` answers.

use std::path::Path;
use std::process::Command;

use gangway_device::config::proxies_from_environment;

use super::Install;
use crate::cli::Failure;

const UNIT: &str = "gangway-device.service";
const UNIT_FILE: &str = "/etc/systemd/system/gangway-device.service";

pub(super) fn install(install: &Install) -> Result<(), Failure> {
    let program = std::env::current_exe()?;
    let unit = unit(&program, install)?;
    if install.print {
        print!("{unit}");
        return Ok(());
    }
    if !Path::new("/run/systemd/system").is_dir() {
        return Err(Failure::Unsupported(
            "systemd does not run here; start `gangway-device run --service` with the service manager that does".to_owned(),
        ));
    }
    std::fs::write(UNIT_FILE, unit).map_err(|error| {
        Failure::Unexpected(format!(
            "{UNIT_FILE} could not be written ({error}); run this as root"
        ))
    })?;
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
    let proxies = proxies_from_environment();
    let mut environment = String::new();
    if let Some(proxy) = &proxies.https {
        environment += &format!("Environment={}\n", quoted(&format!("HTTPS_PROXY={proxy}")));
        environment += &format!("Environment={}\n", quoted(&format!("NO_PROXY={}", proxies.none)));
    }
    Ok(format!(
        "\
[Unit]
Description=Gangway device
Wants=network-online.target
After=network-online.target

[Service]
ExecStart={command}
{environment}Restart=always
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
}
