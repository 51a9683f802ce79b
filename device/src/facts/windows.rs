//! Windows: the registry, which every user may read at these places.

use windows_registry::LOCAL_MACHINE;

use super::System;
use crate::config::environment;

const VERSION: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
const BIOS: &str = r"HARDWARE\DESCRIPTION\System\BIOS";

pub(super) fn read() -> System {
    System {
        hostname: environment("COMPUTERNAME"),
        os_version: version(),
        model: model(),
        // The BIOS's serial number is not in the registry; the base board's is, on some machines.
        serial: value(BIOS, "BaseBoardSerialNumber"),
        machine_id: value(r"SOFTWARE\Microsoft\Cryptography", "MachineGuid"),
    }
}

fn value(key: &str, name: &str) -> Option<String> {
    let text = LOCAL_MACHINE.open(key).ok()?.get_string(name).ok()?;
    if text.trim().is_empty() { None } else { Some(text) }
}

/// `ProductName` has said "Windows 10" on Windows 11 as well; the build tells them apart.
fn version() -> Option<String> {
    let mut name = value(VERSION, "ProductName")?;
    let build = value(VERSION, "CurrentBuildNumber").unwrap_or_default();
    if build.parse::<u32>().is_ok_and(|number| number >= 22_000) {
        name = name.replace("Windows 10", "Windows 11");
    }
    let display = value(VERSION, "DisplayVersion").unwrap_or_default();
    Some(format!("{name} {display} (build {build})"))
}

fn model() -> Option<String> {
    let product = value(BIOS, "SystemProductName")?;
    Some(match value(BIOS, "SystemManufacturer") {
        Some(vendor) if !product.starts_with(&vendor) => format!("{vendor} {product}"),
        _ => product,
    })
}
