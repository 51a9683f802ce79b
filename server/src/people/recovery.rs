//! Recovery codes: printed, kept in a drawer, and each good once for another passkey.

use std::sync::LazyLock;

use data_encoding::{Encoding, Specification};
use gangway_protocol::account::{RecoveryCodes, RegistrationGrant};
use gangway_protocol::audit::Action;
use gangway_protocol::secret::SecretString;

use super::failing;
use super::links::{GRANT_LIFE, Made};
use crate::authority::Caller;
use crate::authority::{Error, Result};
use crate::context::Context;
use crate::db::SecretHash;
use crate::db::audit::{Actor, Entry, Scope};
use crate::db::links::Purpose;
use crate::db::{accounts, audit, links, recovery_codes, write};
use crate::limits::{AddressKey, Attempt, ClientAddress, Who};
use crate::rng::Random;

/// How many codes an account gets at once.
const CODES: usize = 8;
/// Random bytes of a code. 100 bits are 20 letters: no limit on attempts is needed to make guessing hopeless, and neither is
/// a slow hash.
const CODE_LEN: usize = 13;
const LETTERS: usize = 20;
const GROUP: usize = 5;

/// Makes fresh codes; the former ones no longer work.
///
/// # Errors
/// [`Error::StepUpRequired`].
pub async fn renew(context: &Context, caller: &Caller) -> Result<RecoveryCodes> {
    let now = context.clock.now();
    caller.require_own_sign_in()?;
    caller.require_fresh_person(now)?;
    let codes: Vec<String> = (0..CODES).map(|_| mint(&CROCKFORD, &*context.random)).collect();
    let hashes: Vec<SecretHash> = codes
        .iter()
        .map(|code| SecretHash::of(&SecretString::new(code.clone())))
        .collect();
    let caller = caller.clone();
    write!(context.db, |tx| {
        accounts::lock(tx, &caller.account).await?;
        recovery_codes::replace(tx, &caller.account, &hashes, now).await?;
        // What a former code has opened ends with it.
        links::void_recoveries(tx, &caller.account).await?;
        let entry = Entry {
            scope: Scope::Server,
            at: now,
            actor: caller.actor(),
            action: Action::RecoveryCodesRenewed,
            subject: caller.account.as_str(),
            detail: "",
        };
        audit::append(tx, &entry).await
    })?;
    Ok(RecoveryCodes {
        codes: codes
            .iter()
            .map(|code| SecretString::new(printed(code)))
            .collect(),
    })
}

/// Turns a code into a token for a registration. A wrong one is counted against its address.
///
/// # Errors
/// [`Error::LinkUnknown`] when the code is wrong or was used: which one, is not told.
pub async fn redeem(
    context: &Context,
    code: &SecretString,
    address: ClientAddress,
) -> Result<RegistrationGrant> {
    let now = context.clock.now();
    let hash = SecretHash::of(&SecretString::new(normalised(code.expose())));
    let random = context.random.clone();
    let token = write!(context.db, |tx| {
        let Some(account) = recovery_codes::take(tx, &hash, now).await? else {
            return Ok(None);
        };
        let entry_of = account.clone();
        let made = Made::new(Purpose::Recovery { account }, GRANT_LIFE, now, &*random);
        made.keep(tx, now).await?;
        let entry = Entry {
            scope: Scope::Server,
            at: now,
            actor: Actor::Server,
            action: Action::RecoveryCodeUsed,
            subject: entry_of.as_str(),
            detail: "",
        };
        audit::append(tx, &entry).await?;
        Ok(Some(made.secret))
    })?;
    let Some(token) = token else {
        let who = Who::Address(AddressKey::from(address.0));
        failing::note(context, Attempt::RecoveryCode, who, "unknown, or used before").await?;
        return Err(Error::LinkUnknown);
    };
    Ok(RegistrationGrant { token })
}

fn mint(letters: &Encoding, random: &dyn Random) -> String {
    let mut code = letters.encode(&random.bytes::<CODE_LEN>());
    code.truncate(LETTERS);
    code
}

/// In groups, for copying by hand.
fn printed(code: &str) -> String {
    let groups: Vec<String> = code
        .as_bytes()
        .chunks(GROUP)
        .map(|group| String::from_utf8_lossy(group).into_owned())
        .collect();
    groups.join("-")
}

/// What a person typed, as the code was made: no dashes and spaces, upper case, and the letters that Crockford's alphabet
/// leaves out read as the digits that they look like.
fn normalised(typed: &str) -> String {
    typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect()
}

/// Crockford's base 32: no I, L, O, U.
static CROCKFORD: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    specification
        .encoding()
        .expect("32 distinct ASCII symbols make an encoding")
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SystemRandom;

    #[test]
    fn a_code_survives_print_and_hand() {
        let code = mint(&CROCKFORD, &SystemRandom);
        assert_eq!(code.len(), LETTERS);
        let paper = printed(&code);
        assert_eq!(paper.len(), LETTERS + 3);
        assert_eq!(normalised(&paper), code);
        assert_eq!(
            normalised(&format!(" {} ", paper.to_lowercase().replace('-', " "))),
            code
        );
        assert_eq!(normalised("oIl0-1"), "01101");
    }
}
