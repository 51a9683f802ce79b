//! What the device says about itself. Nobody verifies it; the panel marks it so. Best effort: what cannot be found out
//! is left out.

#[cfg(target_os = "linux")]
#[path = "facts/linux.rs"]
mod system;
#[cfg(windows)]
#[path = "facts/windows.rs"]
mod system;
#[cfg(not(any(target_os = "linux", windows)))]
#[path = "facts/other.rs"]
mod system;

use gangway_protocol::device::{Facts, MAX_FACT_LEN, check_text, identifies};
use ring::hmac;

/// Names this software among others that identify a machine by the same id.
const MACHINE_ID_CONTEXT: &[u8] = b"gangway machine id v1";
/// More interfaces than these say nothing about which device it is.
const MAX_ADDRESSES: usize = 6;

/// What an operating system tells about the machine.
#[derive(Debug, Default)]
struct System {
    hostname: Option<String>,
    os_version: Option<String>,
    model: Option<String>,
    serial: Option<String>,
    machine_id: Option<String>,
}

/// Asks the system.
#[must_use]
pub fn collect() -> Facts {
    let system = system::read();
    Facts {
        hostname: system
            .hostname
            .as_deref()
            .and_then(fit)
            .unwrap_or_else(|| "device".to_owned()),
        os: std::env::consts::OS.to_owned(),
        os_version: system.os_version.as_deref().and_then(fit).unwrap_or_default(),
        arch: std::env::consts::ARCH.to_owned(),
        model: system.model.as_deref().and_then(fit),
        serial: system
            .serial
            .as_deref()
            .filter(|serial| identifies(serial))
            .and_then(fit),
        machine_id: system
            .machine_id
            .as_deref()
            .filter(|id| identifies(id))
            .map(hashed),
        software: "gangway-device".to_owned(),
        software_version: env!("CARGO_PKG_VERSION").to_owned(),
        addresses: addresses().as_deref().and_then(fit),
    }
}

/// Makes a text fit for [`Facts::check`]: without what may not be shown, and not too long. `None` if nothing is left.
#[must_use]
pub fn fit(text: &str) -> Option<String> {
    let shown = |c: &char| check_text("", c.encode_utf8(&mut [0; 4]), MAX_FACT_LEN).is_ok();
    let fit: String = text.trim().chars().filter(shown).take(MAX_FACT_LEN).collect();
    if fit.is_empty() { None } else { Some(fit) }
}

/// machine-id(5): the id "should be considered confidential"; an application uses "a cryptographic, keyed hash function,
/// using a fixed, application-specific key", here with the roles that `sd_id128_get_machine_app_specific` gives them.
fn hashed(machine_id: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, machine_id.trim().as_bytes());
    let tag = hmac::sign(&key, MACHINE_ID_CONTEXT);
    data_encoding::HEXLOWER.encode(tag.as_ref().get(..16).unwrap_or_default())
}

/// Addresses of interfaces that lead somewhere.
fn addresses() -> Option<String> {
    let mut found: Vec<String> = if_addrs::get_if_addrs()
        .ok()?
        .iter()
        .filter(|interface| !interface.is_loopback() && !interface.is_link_local())
        .map(|interface| interface.ip().to_string())
        .collect();
    found.dedup();
    found.truncate(MAX_ADDRESSES);
    Some(found.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_states_facts_that_the_protocol_takes() {
        let facts = collect();
        facts.check().expect("fit to be shown");
        assert_eq!(facts.software, "gangway-device");
        assert!(!facts.hostname.is_empty());
        assert_eq!(facts, collect(), "and the same ones every time");
    }

    #[test]
    fn what_deceives_readers_is_taken_out() {
        assert_eq!(fit("  Box\u{202e}gnp\0\x1b[2J \n").as_deref(), Some("Boxgnp[2J"));
        assert_eq!(fit(" \u{200b}\t"), None);
        assert_eq!(fit(&"x".repeat(400)).map(|text| text.len()), Some(256));
    }

    #[test]
    fn the_machine_id_itself_stays_here() {
        let id = "0123456789abcdef0123456789abcdef";
        let shown = hashed(id);
        assert_eq!(shown.len(), 32);
        assert_eq!(shown, hashed(&format!("{id}\n")));
        assert_ne!(shown, id);
        assert_ne!(shown, hashed("1123456789abcdef0123456789abcdef"));
    }
}
