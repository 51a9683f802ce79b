//! Devices: which steps of their lives are allowed, and which texts about them may be shown.

use gangway_protocol::device::{
    DeviceState, Facts, InvalidTransition, MAX_FACT_LEN, UnfitText, check_text, identifies,
};
use gangway_protocol::time::UnixMillis;
use proptest::prelude::*;

/// The six steps of a device's life.
#[derive(Clone, Copy, Debug)]
enum Step {
    Approve,
    Reject,
    Prove,
    Suspend,
    Resume,
    Retire,
}

const STEPS: [Step; 6] = [
    Step::Approve,
    Step::Reject,
    Step::Prove,
    Step::Suspend,
    Step::Resume,
    Step::Retire,
];

fn take(state: DeviceState, step: Step, now: UnixMillis) -> Result<DeviceState, InvalidTransition> {
    match step {
        Step::Approve => state.approve(now),
        Step::Reject => state.reject(now),
        Step::Prove => state.prove(now),
        Step::Suspend => state.suspend(now),
        Step::Resume => state.resume(now),
        Step::Retire => state.retire(now),
    }
}

/// The table of ARCHITECTURE.md, "Device states": where a step leads from a state, or that it is not allowed.
fn expected(from: &str, step: Step) -> Option<&'static str> {
    Some(match (from, step) {
        ("pending" | "rejected" | "enrolling" | "retired", Step::Approve) => "enrolling",
        ("pending", Step::Reject) => "rejected",
        ("enrolling" | "active", Step::Prove) => "active",
        ("active", Step::Suspend) => "suspended",
        ("suspended", Step::Resume) => "active",
        ("pending" | "rejected" | "enrolling" | "active" | "suspended", Step::Retire) => "retired",
        _ => return None,
    })
}

#[test]
fn every_step_from_every_state_is_as_the_table_says() {
    for name in DeviceState::NAMES {
        for step in STEPS {
            let state = DeviceState::from_name(name, UnixMillis(1)).expect("a state");
            let outcome = take(state, step, UnixMillis(2));
            assert_eq!(
                outcome.as_ref().ok().map(DeviceState::name),
                expected(name, step),
                "{name} {step:?}"
            );
            if let Err(refused) = outcome {
                assert_eq!(refused.from, name);
                assert_eq!(
                    refused.to_string(),
                    format!("a device that is {name} cannot {}", refused.step)
                );
            }
        }
    }
}

#[test]
fn proving_again_does_not_restart_the_time_of_an_active_device() {
    let active = DeviceState::Active { since: UnixMillis(5) };
    assert_eq!(active.clone().prove(UnixMillis(9)), Ok(active));
}

#[test]
fn names_are_those_on_the_wire() {
    for name in DeviceState::NAMES {
        let state = DeviceState::from_name(name, UnixMillis(7)).expect("a state");
        let json = serde_json::json!({"name": name, "since": 7});
        assert_eq!(serde_json::to_value(&state).expect("JSON"), json);
        assert_eq!(
            serde_json::from_value::<DeviceState>(json).expect("a state"),
            state
        );
    }
    assert_eq!(DeviceState::from_name("lost", UnixMillis(7)), None);
}

fn facts() -> Facts {
    Facts {
        hostname: "thermometer-7".to_owned(),
        os: "linux".to_owned(),
        os_version: "Debian GNU/Linux 12 (bookworm)".to_owned(),
        arch: "aarch64".to_owned(),
        model: Some("Zürich-Füße ✓ 温度計".to_owned()),
        serial: None,
        machine_id: Some("0123456789abcdef".to_owned()),
        software: "gangway-device".to_owned(),
        software_version: "0.1.0".to_owned(),
        addresses: Some("192.0.2.7 2001:db8::7".to_owned()),
    }
}

/// The device of the examples in `docs/protocol.md`.
pub(crate) fn facts_of_the_document() -> Facts {
    Facts {
        os_version: "Debian GNU/Linux 12".to_owned(),
        model: Some("Raspberry Pi 5 Model B".to_owned()),
        serial: Some("10000000abcdef01".to_owned()),
        machine_id: Some("8ac1c6a4f3cf4f0a9d0f6f3b1f5c2d7e".to_owned()),
        ..facts()
    }
}

#[test]
fn honest_facts_pass() {
    assert_eq!(facts().check(), Ok(()));
    assert_eq!(facts().entries().len(), 9);
}

#[test]
fn facts_are_limited_in_characters_not_bytes() {
    let longest = Facts {
        serial: Some("ü".repeat(MAX_FACT_LEN)),
        ..facts()
    };
    assert_eq!(longest.check(), Ok(()));
    let longer = Facts {
        serial: Some("ü".repeat(MAX_FACT_LEN + 1)),
        ..facts()
    };
    let field = "serial";
    assert_eq!(
        longer.check(),
        Err(UnfitText::TooLong {
            field,
            max: MAX_FACT_LEN
        })
    );
}

/// Threat model: ENR-8.
#[test]
fn characters_that_deceive_are_refused_wherever_they_stand() {
    let deceiving = [
        '\0',
        '\n',
        '\r',
        '\t',
        '\u{1b}',
        '\u{7f}',
        '\u{85}',
        '\u{ad}',
        '\u{34f}',
        '\u{61c}',
        '\u{180e}',
        '\u{200b}',
        '\u{200d}',
        '\u{200e}',
        '\u{202e}',
        '\u{2028}',
        '\u{2066}',
        '\u{2069}',
        '\u{feff}',
        '\u{fff9}',
        '\u{e0041}',
        '\u{3164}',
    ];
    for c in deceiving {
        for (name, facts) in with_each_fact(&format!("harm{c}less")) {
            let refused = UnfitText::Character { field: name };
            assert_eq!(facts.check(), Err(refused), "{name} with U+{:04X}", u32::from(c));
        }
    }
}

/// The facts, each time with another one replaced.
fn with_each_fact(text: &str) -> Vec<(&'static str, Facts)> {
    let some = || Some(text.to_owned());
    vec![
        (
            "hostname",
            Facts {
                hostname: text.to_owned(),
                ..facts()
            },
        ),
        (
            "os",
            Facts {
                os: text.to_owned(),
                ..facts()
            },
        ),
        (
            "os_version",
            Facts {
                os_version: text.to_owned(),
                ..facts()
            },
        ),
        (
            "arch",
            Facts {
                arch: text.to_owned(),
                ..facts()
            },
        ),
        (
            "model",
            Facts {
                model: some(),
                ..facts()
            },
        ),
        (
            "serial",
            Facts {
                serial: some(),
                ..facts()
            },
        ),
        (
            "machine_id",
            Facts {
                machine_id: some(),
                ..facts()
            },
        ),
        (
            "software",
            Facts {
                software: text.to_owned(),
                ..facts()
            },
        ),
        (
            "software_version",
            Facts {
                software_version: text.to_owned(),
                ..facts()
            },
        ),
        (
            "addresses",
            Facts {
                addresses: some(),
                ..facts()
            },
        ),
    ]
}

proptest! {
    #[test]
    fn any_life_follows_the_table(steps in proptest::collection::vec(proptest::sample::select(STEPS.as_slice()), 0..60)) {
        let mut state = DeviceState::Pending { since: UnixMillis(0) };
        for (step, now) in steps.into_iter().zip(1..) {
            let (name, since) = (state.name(), state.since());
            match (take(state.clone(), step, UnixMillis(now)), expected(name, step)) {
                (Ok(next), Some(expected)) => {
                    prop_assert_eq!(next.name(), expected);
                    let stays = name == "active" && expected == "active";
                    prop_assert_eq!(next.since(), if stays { since } else { UnixMillis(now) });
                    state = next;
                }
                (Err(_), None) => {}
                (outcome, expected) => prop_assert!(false, "{name} {step:?}: {outcome:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn what_passes_holds_no_control_character_and_is_short(text in any::<String>(), max in 0_usize..64) {
        if check_text("text", &text, max).is_ok() {
            prop_assert!(text.chars().count() <= max);
            prop_assert!(!text.chars().any(char::is_control));
        }
    }

    #[test]
    fn letters_of_any_script_pass(text in "\\p{L}{0,64}") {
        // Hangul fillers are letters by their category, and invisible all the same.
        prop_assume!(!text.contains(['\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}']));
        prop_assert_eq!(check_text("text", &text, 64), Ok(()));
    }
}

#[test]
fn what_is_the_same_on_every_machine_is_no_identity() {
    for placeholder in [
        "To be filled by O.E.M.",
        "Default string",
        "0123456789",
        "System Serial Number",
        " None\n",
        "uninitialized",
        "00000000000000000000000000000000",
        "00000000-0000-0000-0000-000000000000",
        "..................",
        "FFFFFFFF",
        "0",
        "",
    ] {
        assert!(!identifies(placeholder), "{placeholder:?}");
        let stated = Facts {
            serial: Some(placeholder.to_owned()),
            machine_id: Some(placeholder.to_owned()),
            ..facts()
        };
        let names: Vec<_> = stated.entries().into_iter().map(|(name, _)| name).collect();
        assert!(
            !names.contains(&"serial") && !names.contains(&"machine_id"),
            "{placeholder:?}"
        );
        let recorded = stated.without_placeholders();
        assert_eq!((recorded.serial, recorded.machine_id), (None, None));
    }
    for identity in [
        "10000000abcdef01",
        "GW-0815",
        "VMware-56 4d 1a",
        "8ac1c6a4f3cf4f0a9d0f6f3b1f5c2d7e",
        "10",
    ] {
        assert!(identifies(identity), "{identity:?}");
    }
    let hidden = Facts {
        serial: Some("None\u{202e}".to_owned()),
        ..facts()
    };
    assert!(
        hidden.check().is_err(),
        "what is not shown is checked all the same"
    );
}
