//! Who approves in these benchmarks: an account with a token, its organisation and signer.

use std::sync::Arc;

use anyhow::Context as _;
use gangway_client::{Api, Native, NativeOptions};
use gangway_protocol::id::{AccountId, OrganisationId, SignerId};
use gangway_protocol::page::PageQuery;
use gangway_protocol::secret::SecretString;

use crate::server::Server;

/// See the module's description.
#[derive(Clone)]
pub(crate) struct Approver {
    /// The server's API, as the account.
    pub(crate) api: Api,
    /// The token.
    pub(crate) token: String,
    /// The account.
    pub(crate) account: AccountId,
    /// Where devices go.
    pub(crate) organisation: OrganisationId,
    /// Who signs.
    pub(crate) signer: SignerId,
}

impl Approver {
    /// Makes a token, and asks the server for the rest.
    pub(crate) async fn open(server: &Server) -> anyhow::Result<Self> {
        let token = server.token().await?;
        let options = NativeOptions {
            server: server.url(),
            token: Some(SecretString::new(token.clone())),
            trust_anchors: None,
        };
        let api = Api::new(Arc::new(Native::new(&options)?));
        let page = PageQuery::default();
        let organisation = api.organisations(&page).await?.items.into_iter().next();
        let organisation = organisation.context("no organisation")?.id;
        let signer = api.signers(&organisation, &page).await?.items.into_iter().next();
        let signer = signer.context("no signer")?.id;
        let account = api.account().await?.id;
        Ok(Self {
            api,
            token,
            account,
            organisation,
            signer,
        })
    }
}
