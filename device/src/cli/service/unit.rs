//! The unit's text. It runs as a user of its own and may do what a device does: use the network and its state directory.

use std::path::PathBuf;

use super::account::{TPM_GROUP, USER};
use super::quoting::{argument, path_in_list, path_to_the_end, program};
use super::{ENVIRONMENT_FILE, SERIAL};
use crate::cli::Failure;

/// Directly below it systemd makes and keeps the state directory (`StateDirectory=`).
const STATE: &str = "/var/lib";
/// What `ProtectHome=yes` hides.
const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];

/// What differs between one unit and another.
pub(super) struct Unit {
    pub(super) program: PathBuf,
    /// After `run --service`.
    pub(super) arguments: Vec<String>,
    pub(super) state_dir: PathBuf,
    /// Files that the process itself opens, besides those.
    pub(super) files: Vec<PathBuf>,
    /// The key is in a token.
    pub(super) in_token: bool,
    /// Whoever may use the machine's TPM is in a group of its own.
    pub(super) has_tpm_group: bool,
    /// The file with the token's PIN, and the credential by which the process knows it.
    pub(super) pin: Option<(&'static str, PathBuf)>,
    /// Root can read DMI's serial number, or there is none.
    pub(super) hands_over_serial: bool,
}

impl Unit {
    pub(super) fn text(&self) -> Result<String, Failure> {
        let path = self
            .program
            .to_str()
            .ok_or_else(|| Failure::Settings("the program's path is not text; move it".to_owned()))?;
        let mut command = vec![program(path), "run".to_owned(), "--service".to_owned()];
        command.extend(self.arguments.iter().map(|text| argument(text)));
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
User={USER}
UMask=0077
{state}{credentials}{devices}{homes}CapabilityBoundingSet=
NoNewPrivileges=yes
ProtectSystem=strict
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
",
            command = command.join(" "),
            state = self.state()?,
            credentials = self.credentials()?,
            devices = self.devices(),
            homes = self.homes(),
        ))
    }

    fn state(&self) -> Result<String, Failure> {
        Ok(match self.name_below_state() {
            Some(name) => format!("StateDirectory={name}\nStateDirectoryMode=0700\n"),
            None => format!("ReadWritePaths=-{}\n", path_in_list(&self.state_dir)?),
        })
    }

    /// The name of a folder that systemd itself makes and gives to the user.
    fn name_below_state(&self) -> Option<&str> {
        let name = self.state_dir.strip_prefix(STATE).ok()?.to_str()?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let is_link = self.state_dir.is_symlink();
        (!name.is_empty() && !name.starts_with('.') && name.chars().all(plain) && !is_link).then_some(name)
    }

    /// Only root may read DMI's serial number and, often, the PIN. A default, which may not be empty, lets the unit start where
    /// there is no DMI.
    fn credentials(&self) -> Result<String, Failure> {
        let mut lines = String::new();
        if self.hands_over_serial {
            lines += &format!("LoadCredential=product_serial:{SERIAL}\nSetCredential=product_serial:\\n\n");
        }
        if let Some((name, path)) = &self.pin {
            lines += &format!("LoadCredential={name}:{}\n", path_to_the_end(path)?);
        }
        Ok(lines)
    }

    /// A token may be a device; `ProtectClock=` would leave none but the clock either.
    fn devices(&self) -> String {
        match (self.in_token, self.has_tpm_group) {
            (false, _) => "PrivateDevices=yes\nProtectClock=yes\n".to_owned(),
            (true, true) => format!("SupplementaryGroups={TPM_GROUP}\n"),
            (true, false) => String::new(),
        }
    }

    fn homes(&self) -> &'static str {
        let mut files = self.files.iter().chain([&self.program, &self.state_dir]);
        let is_at_home = |path: &PathBuf| HOMES.iter().any(|home| path.starts_with(home));
        if files.any(is_at_home) {
            "ProtectHome=read-only\n"
        } else {
            "ProtectHome=yes\n"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit() -> Unit {
        Unit {
            program: "/usr/bin/gangway-device".into(),
            arguments: vec!["--name".to_owned(), "Room $7".to_owned()],
            state_dir: "/var/lib/gangway-device".into(),
            files: Vec::new(),
            in_token: false,
            has_tpm_group: false,
            pin: None,
            hands_over_serial: true,
        }
    }

    /// Every one of these lines, and none of those.
    fn holds(unit: &Unit, lines: &[&str], not: &[&str]) {
        let text = unit.text().expect("a unit");
        for line in lines {
            assert!(text.lines().any(|found| found == *line), "no {line} in\n{text}");
        }
        for start in not {
            assert!(
                !text.lines().any(|line| line.starts_with(start)),
                "{start} in\n{text}"
            );
        }
    }

    #[test]
    fn the_unit_runs_as_a_user_of_its_own_that_can_do_nothing_else() {
        holds(
            &unit(),
            &[
                "Type=notify",
                "ExecStart=/usr/bin/gangway-device run --service --name \"Room $$7\"",
                "User=gangway-device",
                "StateDirectory=gangway-device",
                "StateDirectoryMode=0700",
                "LoadCredential=product_serial:/sys/class/dmi/id/product_serial",
                "SetCredential=product_serial:\\n",
                "CapabilityBoundingSet=",
                "ProtectSystem=strict",
                "ProtectHome=yes",
                "PrivateDevices=yes",
                "ProtectClock=yes",
            ],
            &["ReadWritePaths=", "SupplementaryGroups="],
        );
    }

    #[test]
    fn a_state_directory_elsewhere_is_named_as_it_is() {
        for (path, line) in [
            ("/srv/device", "ReadWritePaths=-/srv/device"),
            ("/srv/$5 at 50%", "ReadWritePaths=-\"/srv/$5 at 50%%\""),
            ("/var/lib/a/b", "ReadWritePaths=-/var/lib/a/b"),
            ("/var/lib/a:b", "ReadWritePaths=-/var/lib/a:b"),
            ("/var/lib/..", "ReadWritePaths=-/var/lib/.."),
        ] {
            let state_dir = path.into();
            let unit = Unit { state_dir, ..unit() };
            holds(&unit, &[line], &["StateDirectory="]);
        }
    }

    #[test]
    fn a_token_is_reached_by_its_group_and_its_pin_by_a_credential() {
        let unit = Unit {
            in_token: true,
            has_tpm_group: true,
            pin: Some(("pkcs11-pin", "/root/the pin".into())),
            ..unit()
        };
        holds(
            &unit,
            &[
                "SupplementaryGroups=tss",
                "LoadCredential=pkcs11-pin:/root/the pin",
            ],
            &["PrivateDevices=", "ProtectClock="],
        );
        let without = Unit {
            has_tpm_group: false,
            ..unit
        };
        holds(&without, &[], &["SupplementaryGroups="]);
    }

    #[test]
    fn homes_are_hidden_unless_something_of_the_device_lies_there() {
        for unit in [
            Unit {
                program: "/home/pi/gangway-device".into(),
                ..unit()
            },
            Unit {
                files: vec!["/home/pi/ca.pem".into()],
                ..unit()
            },
        ] {
            holds(&unit, &["ProtectHome=read-only"], &[]);
        }
    }

    #[test]
    fn where_root_cannot_read_the_serial_number_it_is_left_out() {
        let unit = Unit {
            hands_over_serial: false,
            ..unit()
        };
        holds(&unit, &[], &["LoadCredential=", "SetCredential="]);
    }
}
