//! Credentials for a signer elsewhere, from where its own tools keep them. They go to the signer alone.

use std::path::PathBuf;

use gangway_protocol::signer::{Signer, SignerKind};
use gangway_signing::{AwsCredentials, Wallet};

use super::exit::Exit;
use crate::config::Environment;

/// Whether the environment names AWS credentials, which go before a sign-in.
pub(super) fn names_aws(environment: &Environment) -> bool {
    ["AWS_ACCESS_KEY_ID", "AWS_PROFILE"]
        .into_iter()
        .any(|name| environment.get(name).is_some())
}

/// Takes credentials for this signer from the variables of the AWS command line, or a static profile of its credentials file
/// (AWS CLI User Guide, “Configuration and credential file settings”).
pub(super) fn take(signer: &Signer, environment: &Environment, wallet: &mut Wallet) -> Result<(), Exit> {
    if let SignerKind::AwsIot(_) = signer.kind {
        wallet.put_aws(signer.id.clone(), aws(environment)?);
    }
    Ok(())
}

fn aws(environment: &Environment) -> Result<AwsCredentials, Exit> {
    const NAMES: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
    let unusable = |what: &str, error: &dyn std::fmt::Display| {
        Exit::signing(format!("The AWS credentials in {what} cannot be used: {error}."))
    };
    if environment.get(NAMES[0]).is_some() {
        let lines = NAMES.map(|name| format!("{name}={}\n", environment.get(name).unwrap_or_default()));
        return AwsCredentials::read(&lines.concat()).map_err(|error| unusable("the environment", &error));
    }
    let profile = environment.get("AWS_PROFILE").unwrap_or("default");
    let file = match (
        environment.get("AWS_SHARED_CREDENTIALS_FILE"),
        environment.get("HOME"),
    ) {
        (Some(file), _) => PathBuf::from(file),
        (None, Some(home)) => PathBuf::from(home).join(".aws/credentials"),
        (None, None) => return Err(missing()),
    };
    let Ok(text) = std::fs::read_to_string(&file) else {
        return Err(missing());
    };
    let section = section(&text, profile).ok_or_else(|| {
        Exit::signing(format!(
            "{} has no profile “{profile}”: name another one in AWS_PROFILE.",
            file.display()
        ))
    })?;
    AwsCredentials::read(&section)
        .map_err(|error| unusable(&format!("{}, profile “{profile}”", file.display()), &error))
}

fn missing() -> Exit {
    Exit::signing(
        "AWS signs here, and there are no AWS credentials: set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or \
         name a profile of the credentials file in AWS_PROFILE."
            .to_owned(),
    )
}

/// The lines of one profile.
fn section(text: &str, profile: &str) -> Option<String> {
    let head = |line: &str| {
        let name = line.trim().strip_prefix('[')?.strip_suffix(']')?;
        Some(name.trim().to_owned())
    };
    let mut lines = text
        .lines()
        .skip_while(|line| head(line).as_deref() != Some(profile));
    lines.next()?;
    Some(
        lines
            .take_while(|line| head(line).is_none())
            .collect::<Vec<_>>()
            .join("\n"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_its_own_lines() {
        let text = "[default]\naws_access_key_id = A\n\n[ plant ]\naws_access_key_id = B\n[other]\nx = y\n";
        assert_eq!(section(text, "plant").as_deref(), Some("aws_access_key_id = B"));
        assert_eq!(
            section(text, "default").as_deref(),
            Some("aws_access_key_id = A\n")
        );
        assert_eq!(section(text, "nobody"), None);
    }
}
