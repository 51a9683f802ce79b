//! Whose fleets are read by which filters, to look at the plans of each.

use gangway_protocol::time::UnixMillis;

use super::super::fleet::{self, Filter, Fleets};
use super::filling::{home, other, signer};

/// A customer of whom everything is seen, and one of whom only a large part is.
pub(super) fn whole() -> Fleets {
    Fleets {
        customers: vec![home()],
        organisations: Vec::new(),
    }
}

pub(super) fn part() -> Fleets {
    Fleets {
        customers: Vec::new(),
        organisations: vec![home(), other(2)],
    }
}

/// Every combination of filters of the fleet.
pub(super) fn filters() -> Vec<Filter> {
    let words = |count: usize| (0..count).map(|n| format!("w{n}")).collect::<Vec<_>>();
    let mut filters = Vec::new();
    for state in [None, Some("suspended")] {
        for online in [None, Some(true), Some(false)] {
            for count in 0..=fleet::MAX_WORDS {
                filters.push(Filter {
                    words: words(count),
                    state,
                    online,
                    ..Filter::default()
                });
            }
        }
    }
    filters.extend(traits());
    filters
}

/// What 50,000 have in common, one at a time and together.
pub(super) fn traits() -> Vec<Filter> {
    let (label, version) = (Some("hall".to_owned()), Some(String::new()));
    let (signer, expires_before) = (Some(signer()), Some(UnixMillis(50_000)));
    let none = Filter::default;
    vec![
        Filter {
            label: label.clone(),
            ..none()
        },
        Filter {
            software_version: version.clone(),
            ..none()
        },
        Filter {
            signer: signer.clone(),
            ..none()
        },
        Filter {
            expires_before,
            ..none()
        },
        Filter {
            label,
            software_version: version,
            signer,
            expires_before,
            online: Some(true),
            ..none()
        },
    ]
}
