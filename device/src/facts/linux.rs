//! Linux: /proc, /sys, /etc. DMI on PCs and servers, the device tree on boards.

use std::path::Path;

use gangway_protocol::device::identifies;

use super::System;
use crate::config::service_credential;

pub(super) fn read() -> System {
    System {
        hostname: file("/proc/sys/kernel/hostname"),
        os_version: file("/etc/os-release")
            .or_else(|| file("/usr/lib/os-release"))
            .and_then(|text| pretty_name(&text)),
        model: dmi_model().or_else(|| file("/proc/device-tree/model")),
        serial: service_credential("product_serial")
            .and_then(dmi_serial)
            .or_else(|| dmi_serial("/sys/class/dmi/id/product_serial"))
            .or_else(|| file("/proc/device-tree/serial-number")),
        machine_id: ["/etc/machine-id", "/var/lib/dbus/machine-id"]
            .into_iter()
            .filter_map(file)
            .find(|id| identifies(id)),
    }
}

/// DMI's serial number. Only root may read it, so that a service has it as a credential, an empty line where there is none.
fn dmi_serial(path: impl AsRef<Path>) -> Option<String> {
    file(path).and_then(|text| told(&text))
}

/// The file's text. Device tree properties end in a zero byte.
fn file(path: impl AsRef<Path>) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let text = text.trim_matches(['\0', '\n', ' ']);
    if text.is_empty() {
        None
    } else {
        Some(text.to_owned())
    }
}

fn dmi_model() -> Option<String> {
    let vendor = file("/sys/class/dmi/id/sys_vendor").and_then(|text| told(&text));
    let product = file("/sys/class/dmi/id/product_name").and_then(|text| told(&text))?;
    Some(match vendor {
        Some(vendor) if !product.starts_with(&vendor) => format!("{vendor} {product}"),
        _ => product,
    })
}

/// The text, unless a manufacturer left it as it came from the firmware's author.
fn told(text: &str) -> Option<String> {
    (identifies(text) && !text.eq_ignore_ascii_case("System Product Name")).then(|| text.to_owned())
}

/// `PRETTY_NAME` of os-release(5), which may be quoted.
fn pretty_name(text: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim_matches(['"', '\'']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_is_read_with_and_without_quotes() {
        let text = "NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
        assert_eq!(
            pretty_name(text).as_deref(),
            Some("Debian GNU/Linux 12 (bookworm)")
        );
        assert_eq!(pretty_name("PRETTY_NAME=Alpine\n").as_deref(), Some("Alpine"));
        assert_eq!(pretty_name("ID=alpine\n"), None);
    }

    #[test]
    fn an_empty_credential_is_no_serial_number() {
        let folder = tempfile::tempdir().expect("a folder");
        let credential = folder.path().join("product_serial");
        assert_eq!(dmi_serial(&credential), None, "it is not there");
        std::fs::write(&credential, "\n").expect("written");
        assert_eq!(dmi_serial(&credential), None, "the unit's default");
        std::fs::write(&credential, "GW-0815\n").expect("written");
        assert_eq!(dmi_serial(&credential).as_deref(), Some("GW-0815"));
    }

    #[test]
    fn placeholders_of_manufacturers_are_not_serial_numbers() {
        assert_eq!(told("To Be Filled By O.E.M."), None);
        assert_eq!(told("GW-0815").as_deref(), Some("GW-0815"));
    }
}
