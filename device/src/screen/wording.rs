//! Events in sentences, the same on the page, in plain lines and in a service's log. No sentence contains a code.

use gangway_device::event::{CodeShown, Event, Refuser};
use gangway_protocol::code::radio_word;
use gangway_protocol::device::is_deceptive;
use gangway_protocol::enrolment::ReplaceReason;

/// Longest text of others that is shown on one line.
const MAX_FOREIGN_LEN: usize = 200;

/// What happened, for people. `None` where there is nothing to say, or where only the screen may say it (codes).
pub(crate) fn sentence(event: &Event) -> Option<String> {
    Some(match event {
        Event::Started {
            server,
            software_version,
            ..
        } => {
            format!("Gangway device {software_version}, for {server}.")
        }
        Event::Code(_) | Event::Configuration(_) => return None,
        Event::Waiting { expires_in_secs, .. } => {
            format!(
                "Waiting for somebody to enter the code; it is good for {}.",
                duration(*expires_in_secs)
            )
        }
        Event::PermitPresented { lookup, .. } => format!("Asking to join, with “{}”.", clean(lookup)),
        Event::InLobby {
            reason,
            retry_in_secs,
            ..
        } => format!(
            "Not decided yet: {}. The device asks again in {}.",
            clean(reason).trim_end_matches('.'),
            duration(*retry_in_secs)
        ),
        Event::NotJoined {
            reason,
            retry_in_secs,
            ..
        } => format!(
            "Not joined: {}. The device asks again in {}.",
            clean(reason).trim_end_matches('.'),
            duration(*retry_in_secs)
        ),
        Event::CodeWithdrawn { reason, .. } => withdrawn(*reason).to_owned(),
        Event::AttemptFailed {
            count, remaining: 0, ..
        } => {
            format!("Wrong code for the {} time.", ordinal(*count))
        }
        Event::AttemptFailed { count, remaining, .. } => format!(
            "Wrong code for the {} time; after {remaining} more the device shows another one.",
            ordinal(*count)
        ),
        Event::Paused { resumes_in_secs, .. } => format!(
            "Too many wrong codes within an hour. The device shows no code for {}; if that was not you, find out who can \
             reach your panel.",
            duration(*resumes_in_secs)
        ),
        Event::Claimed { .. } => "Somebody entered the right code and sees this device now.".to_owned(),
        Event::ApprovalAsked {
            organisation,
            approver,
            panel,
            ..
        } => format!(
            "“{}” wants this device, approved by {} at {}.",
            clean(organisation),
            clean(approver),
            clean(panel)
        ),
        Event::AnswerRefused { reason, .. } => format!("The answer was not taken: {}.", clean(reason)),
        Event::Accepted { organisation, .. } => {
            format!(
                "Accepted. Waiting for the certificate of “{}”.",
                clean(organisation)
            )
        }
        Event::Provisioning { endpoint, .. } => {
            format!("Fetching the certificate from {}.", clean(endpoint))
        }
        Event::EndpointConnected { url, .. } => format!("Connected to {}.", clean(url)),
        Event::EndpointLost {
            url,
            reason,
            retry_in_secs,
            ..
        } => format!(
            "No connection to {}: {}. Next attempt in {}.",
            clean(url),
            clean(reason).trim_end_matches('.'),
            duration(*retry_in_secs)
        ),
        Event::Refused { by, reason, .. } => match by {
            Refuser::Person => "Refused here; nothing was signed.".to_owned(),
            Refuser::Device => format!("Refused by this device: {}", clean(reason)),
            Refuser::Claimant => format!("Refused in the browser: {}", clean(reason)),
            _ => format!("Refused: {}", clean(reason)),
        },
        Event::ClaimEnded { reason, .. } => {
            format!(
                "The attempt ended: {}. The code remains good.",
                clean(reason).trim_end_matches('.')
            )
        }
        Event::Installed { not_after, .. } => {
            format!(
                "The certificate is installed; it is valid until {}.",
                not_after.to_the_minute()
            )
        }
        Event::Online { device, .. } => format!("Online as {device}."),
        Event::Limited { reason, .. } => format!("Connected, with limits: {reason}"),
        Event::Renewed { not_after, .. } => {
            format!(
                "The certificate was renewed; it is valid until {}.",
                not_after.to_the_minute()
            )
        }
        Event::Identify { .. } => "Somebody looks for this device: here it is!".to_owned(),
        Event::Revoked { reason, .. } => {
            format!(
                "The certificate was revoked: {}. A new code follows.",
                clean(reason).trim_end_matches('.')
            )
        }
        Event::Offline {
            reason,
            retry_in_secs,
            ..
        } => {
            format!(
                "Offline. {} Next attempt in {}.",
                clean(reason),
                duration(*retry_in_secs)
            )
        }
        Event::Error(trouble) => format!("{} {}", clean(&trouble.message), trouble.remedy),
        // Both come from one source; what the library tells anew gets its sentence here in the same commit.
        _ => return None,
    })
}

/// The code on one line, for plain output.
pub(crate) fn code_line(code: &CodeShown) -> String {
    let user_code = code.user_code.expose();
    format!(
        "To add this device, open {} and enter {user_code} ({}), within {}.",
        code.verification_uri,
        spoken(user_code),
        duration(code.expires_in_secs)
    )
}

/// The code in words of the radio alphabet.
pub(crate) fn spoken(user_code: &str) -> String {
    let words: Vec<&str> = user_code
        .chars()
        .map(|symbol| radio_word(symbol).unwrap_or("–"))
        .collect();
    words.join(" ")
}

/// A text of others, without what could make it look like something else or move the cursor.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .filter(|c| !is_deceptive(*c))
        .take(MAX_FOREIGN_LEN)
        .collect()
}

/// `9:41` below an hour, else in words.
pub(crate) fn duration(secs: u64) -> String {
    match secs {
        0 => "a moment".to_owned(),
        1 => "1 second".to_owned(),
        2..60 => format!("{secs} seconds"),
        60..3600 => format!("{}:{:02} minutes", secs / 60, secs % 60),
        _ => format!("{}:{:02} hours", secs / 3600, secs % 3600 / 60),
    }
}

fn withdrawn(reason: ReplaceReason) -> &'static str {
    match reason {
        ReplaceReason::Expired => "The code has expired; a new one follows.",
        ReplaceReason::Attempts => "The code was tried too often; a new one follows.",
        ReplaceReason::Spent => "The code is used up; a new one follows.",
        ReplaceReason::Asked | ReplaceReason::Unknown => "A new code follows.",
    }
}

fn ordinal(count: u32) -> String {
    match count {
        1 => "first".to_owned(),
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        other => format!("{other}th"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_others_cannot_move_the_cursor() {
        let asked = serde_json::json!({
            "event": "approval_asked",
            "claim": "clm_00000000000000000000000000",
            "organisation": "\x1b[2JHarbour\u{202e}",
            "approver": "A\nda",
            "panel": "https://panel.example",
        });
        let asked = serde_json::from_value(asked).expect("an event");
        let text = sentence(&asked).expect("a sentence");
        assert_eq!(
            text,
            "“[2JHarbour” wants this device, approved by Ada at https://panel.example."
        );
    }

    #[test]
    fn codes_are_spoken_in_the_radio_alphabet() {
        assert_eq!(
            spoken("BCDF-GHJ"),
            "Bravo Charlie Delta Foxtrot – Golf Hotel Juliett"
        );
    }
}
