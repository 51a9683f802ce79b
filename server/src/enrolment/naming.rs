//! What members may call a device.

use gangway_protocol::device::{MAX_LABEL_LEN, MAX_LABELS, MAX_NAME_LEN, UnfitText, check_text};

use super::EnrolmentError;

/// A device's name as members may give it.
///
/// # Errors
/// What is wrong with it.
pub fn check_name(name: &str) -> Result<String, EnrolmentError> {
    // Counted with the spaces around it, as the description of the API says it.
    check_text("name", name, MAX_NAME_LEN)?;
    let name = name.trim();
    if name.is_empty() {
        return Err(EnrolmentError::Invalid {
            field: "name",
            detail: "give the device a name".to_owned(),
        });
    }
    Ok(name.to_owned())
}

/// A device's labels as members may give them, without empty and repeated ones.
///
/// # Errors
/// What is wrong with them.
pub fn check_labels(labels: &[String]) -> Result<Vec<String>, EnrolmentError> {
    let mut kept: Vec<String> = Vec::new();
    for label in labels {
        check_text("labels", label, MAX_LABEL_LEN)?;
        let label = label.trim();
        if label.is_empty() {
            continue;
        }
        if !kept.iter().any(|known| known == label) {
            kept.push(label.to_owned());
        }
    }
    if labels.len() > MAX_LABELS {
        return Err(EnrolmentError::Invalid {
            field: "labels",
            detail: format!("a device can have {MAX_LABELS} labels at most"),
        });
    }
    Ok(kept)
}

impl From<UnfitText> for EnrolmentError {
    fn from(error: UnfitText) -> Self {
        let (UnfitText::TooLong { field, .. } | UnfitText::Character { field }) = error;
        Self::Invalid {
            field,
            detail: error.to_string(),
        }
    }
}
