//! What the page knows of one client, and the one thing that is being done with it.

use gangway_protocol::id::OrganisationId;
use gangway_protocol::signer::Signer;
use gangway_protocol::time::UnixMillis;
use gangway_signing::{
    ClientAccess, ClientAddress, ClientCa, ClientDevice, ClientEnd, ClientError, ClientMode, ClientStage,
    ClientState, ClientStep, ClientTask, ClientWork, Ownership,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::browser::plgd_client::{self, Reached, Stepped, Wanted};
use crate::browser::{clock, recent};
use crate::visit::language;
use crate::visitor::{api, step_up};

/// The value of the choice that takes no hub.
pub(super) const BY_KEY: &str = "key";

/// A hub where this visitor may sign in, and whether our own CA may sign in its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClientHub {
    /// The hub.
    pub(crate) signer: Signer,
    /// What it is called here.
    pub(crate) name: String,
    /// The organisation whose built-in CA the visitor may use.
    pub(crate) builtin: Option<OrganisationId>,
}

/// One way to initialise a client.
#[derive(Clone)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    access: Option<ClientAccess>,
}

/// What is done, as it is told.
#[derive(Clone)]
pub(super) enum Deed {
    Look,
    Initialise,
    Share,
    Reset,
    Discover,
    Own(ClientDevice),
    Disown(ClientDevice),
    Onboard(ClientDevice),
    Offboard(ClientDevice),
}

/// What a person has to give before it goes on.
#[derive(Clone)]
pub(super) enum Want {
    /// A sign-in at the hub; why the former one was refused.
    Credentials(Box<Signer>, Option<String>),
    /// A code for a device, at this address.
    Code { device: String, url: String },
}

/// What came of the last thing that was done.
#[derive(Clone)]
pub(super) enum Said {
    Good(String),
    Bad(ClientError),
    /// Something that the machine does not know of.
    Amiss(String),
}

/// All of it.
#[derive(Clone, Copy)]
pub(super) struct Board {
    client: StoredValue<ClientAddress>,
    choices: StoredValue<Vec<Choice>>,
    reachable: StoredValue<Vec<String>>,
    /// The value of the chosen way.
    pub(super) chosen: RwSignal<String>,
    pub(super) state: RwSignal<Option<ClientState>>,
    pub(super) devices: RwSignal<Option<Vec<ClientDevice>>>,
    pub(super) doing: RwSignal<Option<Deed>>,
    pub(super) want: RwSignal<Option<Want>>,
    pub(super) said: RwSignal<Option<Said>>,
    pub(super) had_expired: RwSignal<bool>,
    /// When each stage was reached, and the end.
    pub(super) course: RwSignal<Course>,
    work: StoredValue<Option<Box<ClientWork>>>,
    /// Counts what was begun: what was given up has nothing to say any more.
    run: StoredValue<u32>,
    /// When the passkey was proved last.
    proved_at: StoredValue<Option<UnixMillis>>,
}

/// A passkey counts as proved just now for five minutes; signing takes a moment of them.
const PROOF_MILLIS: i64 = 4 * UnixMillis::MINUTE;

/// How far something is that has steps.
#[derive(Clone, Default)]
pub(super) struct Course {
    pub(super) reached: Vec<(ClientStage, UnixMillis)>,
    pub(super) ended: Option<(UnixMillis, bool)>,
}

impl Board {
    pub(super) fn new(client: ClientAddress, hubs: Vec<ClientHub>, reachable: Vec<String>) -> Self {
        let choices = choices(hubs);
        let chosen = choices.first().map_or(BY_KEY, |choice| &choice.value).to_owned();
        Self {
            client: StoredValue::new(client),
            choices: StoredValue::new(choices),
            reachable: StoredValue::new(reachable),
            chosen: RwSignal::new(chosen),
            state: RwSignal::new(None),
            devices: RwSignal::new(None),
            doing: RwSignal::new(None),
            want: RwSignal::new(None),
            said: RwSignal::new(None),
            had_expired: RwSignal::new(false),
            course: RwSignal::new(Course::default()),
            work: StoredValue::new(None),
            run: StoredValue::new(0),
            proved_at: StoredValue::new(None),
        }
    }

    pub(super) fn origin(self) -> String {
        self.client.with_value(|client| client.origin().to_owned())
    }

    pub(super) fn host(self) -> String {
        self.client.with_value(|client| client.host().to_owned())
    }

    pub(super) fn choices(self) -> Vec<Choice> {
        self.choices.get_value()
    }

    /// Whether something is being done: one thing at a time.
    pub(super) fn is_busy(self) -> Signal<bool> {
        Signal::derive(move || self.doing.with(Option::is_some))
    }

    /// Whether the client has an owner, so that what is done with it takes a sign-in.
    pub(super) fn takes_hub(self) -> bool {
        self.state
            .with(|state| state.as_ref().is_some_and(|state| state.mode == ClientMode::X509))
    }

    pub(super) fn look(self) {
        self.begin(Deed::Look, Wanted::Task(ClientTask::Look));
    }

    pub(super) fn discover(self, endpoint: Option<String>) {
        let nanos = self
            .state
            .with_untracked(|state| state.as_ref().and_then(|state| state.discovery_nanos));
        self.begin(
            Deed::Discover,
            Wanted::Task(ClientTask::Discover { endpoint, nanos }),
        );
    }

    /// Begins something; nothing while something else is being done.
    pub(super) fn begin(self, deed: Deed, wanted: Wanted) {
        if self.doing.with_untracked(Option::is_some) {
            return;
        }
        self.said.set(None);
        self.had_expired.set(false);
        self.course.set(Course::default());
        let access = match self.access(&deed) {
            Ok(access) => access,
            Err(said) => {
                self.said.set(Some(said));
                return;
            }
        };
        self.doing.set(Some(deed.clone()));
        self.run.update_value(|run| *run += 1);
        let run = self.run.get_value();
        let client = self.client.get_value();
        leptos::task::spawn_local(async move {
            if !self.prove(&deed).await {
                return;
            }
            match plgd_client::begin(client, access, wanted).await {
                Some(work) => self.run(run, work).await,
                None => self.doing.set(None),
            }
        });
    }

    /// The wallet has what was wanted.
    pub(super) fn go_on(self) {
        self.want.set(None);
        let (work, run) = (self.work.get_value(), self.run.get_value());
        let Some((work, deed)) = work.zip(self.doing.get_untracked()) else {
            return;
        };
        leptos::task::spawn_local(async move {
            if self.prove(&deed).await {
                self.run(run, work).await;
            }
        });
    }

    /// Our own CA asks for a passkey that was proved just now: before the client's time runs. A sign-in at the hub may take longer
    /// than that lasts.
    async fn prove(self, deed: &Deed) -> bool {
        let access = self.access(deed).ok().flatten();
        let is_builtin = access.is_some_and(|access| access.ca != ClientCa::Hub);
        let now = clock::now();
        let is_fresh = self
            .proved_at
            .get_value()
            .is_some_and(|proved| now.since(proved) < PROOF_MILLIS);
        if is_fresh || !is_builtin || !matches!(deed, Deed::Initialise | Deed::Own(_)) {
            return true;
        }
        match step_up(&api()).await {
            Ok(_) => {
                self.proved_at.set_value(Some(clock::now()));
                true
            }
            Err(trouble) => {
                self.doing.set(None);
                self.said.set(trouble.words(language()).map(Said::Amiss));
                false
            }
        }
    }

    /// Something came back with a person, to this page or to another one.
    pub(super) fn arrived(self, returned: String) {
        let waits = self
            .want
            .with_untracked(|want| matches!(want, Some(Want::Code { .. })));
        let Some(work) = self.work.get_value().filter(|_| waits) else {
            return;
        };
        let run = self.run.get_value();
        // A code is used once: who presses again meanwhile has nothing to press.
        let prompt = self.want.get_untracked();
        self.work.set_value(None);
        self.want.set(None);
        leptos::task::spawn_local(async move {
            let kept = work.clone();
            let stepped =
                plgd_client::arrive(&api(), work, returned, move |reached| self.reach(reached)).await;
            match stepped {
                Some(stepped) => self.take(run, stepped),
                // It was for another page.
                None if self.run.get_value() == run => {
                    self.work.set_value(Some(kept));
                    self.want.set(prompt);
                }
                None => {}
            }
        });
    }

    /// The person gives up what waits for them.
    pub(super) fn give_up(self) {
        self.run.update_value(|run| *run += 1);
        self.want.set(None);
        self.work.set_value(None);
        self.doing.set(None);
        self.course.set(Course::default());
    }

    async fn run(self, run: u32, work: Box<ClientWork>) {
        let stepped = plgd_client::start(&api(), work, move |reached| self.reach(reached)).await;
        self.take(run, stepped);
    }

    /// What came of a step of this run, unless it was given up.
    fn take(self, run: u32, (work, step): Stepped) {
        if self.run.get_value() != run {
            return;
        }
        let deed = self.doing.get_untracked();
        let want = match (&step, &deed) {
            (Ok(ClientStep::NeedCredentials { refused }), Some(deed)) => self
                .access(deed)
                .ok()
                .flatten()
                .map(|access| Want::Credentials(Box::new(access.signer), refused.clone())),
            (Ok(ClientStep::Visit { url }), Some(Deed::Onboard(device))) => Some(Want::Code {
                device: name_of(device),
                url: url.clone(),
            }),
            _ => None,
        };
        if want.is_some() {
            self.work.set_value(Some(work));
            self.want.set(want);
            return;
        }
        self.work.set_value(None);
        self.doing.set(None);
        self.course
            .update(|course| course.ended = Some((clock::now(), step.is_ok())));
        match (step, deed) {
            (Ok(ClientStep::Done(end)), Some(deed)) => self.end(*end, deed),
            (Err(error), _) => {
                if matches!(error, ClientError::Unreachable { .. }) {
                    self.devices.set(None);
                }
                self.said.set(Some(Said::Bad(error)));
            }
            _ => {}
        }
    }

    fn end(self, end: ClientEnd, deed: Deed) {
        let t = language();
        let said = match (&deed, &end) {
            (Deed::Look | Deed::Discover, _) => None,
            (Deed::Initialise, _) => Some(t.client_done_initialised().to_owned()),
            (Deed::Share, _) => Some(t.client_done_shared().to_owned()),
            (Deed::Reset, _) => Some(t.client_done_reset().to_owned()),
            (Deed::Own(device), _) => Some(t.client_device_is_owned(&name_of(device))),
            (Deed::Disown(device), _) => Some(t.client_device_is_disowned(&name_of(device))),
            (Deed::Onboard(device) | Deed::Offboard(device), ClientEnd::Cloud(status)) => {
                Some(t.client_cloud(&name_of(device), *status))
            }
            (Deed::Onboard(_) | Deed::Offboard(_), _) => None,
        };
        match end {
            ClientEnd::State(state) => {
                recent::remember_client(&self.origin());
                self.devices.set(None);
                self.state.set(Some(state));
            }
            ClientEnd::Devices(devices) => self.devices.set(Some(devices)),
            ClientEnd::Cloud(_) | ClientEnd::Done => {}
        }
        match deed {
            Deed::Own(device) => self.now_is(&device, Ownership::Owned),
            Deed::Disown(device) => self.now_is(&device, Ownership::Unowned),
            _ => {}
        }
        self.said.set(said.map(Said::Good));
    }

    fn now_is(self, device: &ClientDevice, ownership: Ownership) {
        self.devices.update(|devices| {
            for listed in devices.iter_mut().flatten() {
                if listed.id == device.id {
                    listed.ownership = ownership;
                }
            }
        });
    }

    fn reach(self, Reached { stage, had_expired }: Reached) {
        let _ = self.had_expired.try_set(had_expired);
        let _ = self.course.try_update(|course| {
            // A fresh challenge goes back to an earlier stage.
            course.reached.retain(|(other, _)| *other <= stage);
            if course.reached.last().is_none_or(|(last, _)| *last < stage) {
                course.reached.push((stage, clock::now()));
            }
        });
    }

    /// With whose credentials it is done.
    fn access(self, deed: &Deed) -> Result<Option<ClientAccess>, Said> {
        let t = language();
        let chosen = self.chosen.get_untracked();
        let chosen = self.choices.with_value(|choices| {
            let by_value = choices.iter().find(|choice| choice.value == chosen);
            by_value.and_then(|choice| choice.access.clone())
        });
        let access = match deed {
            // It sends no token: who is signed in is compared here.
            Deed::Look => return Ok(chosen),
            Deed::Share => return Ok(None),
            Deed::Initialise => chosen,
            _ if !self.takes_hub_untracked() => return Ok(None),
            _ => chosen.or_else(|| self.choices.with_value(|choices| choices.first()?.access.clone())),
        };
        let access = access.ok_or_else(|| Said::Amiss(t.client_no_hub().to_owned()))?;
        let is_reachable = self.reachable.with_value(|reachable| {
            let origins = access.signer.kind.origins();
            origins.iter().all(|origin| reachable.contains(origin))
        });
        if !is_reachable {
            return Err(Said::Amiss(t.signer_unreachable().to_owned()));
        }
        Ok(Some(access))
    }

    fn takes_hub_untracked(self) -> bool {
        self.state
            .with_untracked(|state| state.as_ref().is_some_and(|state| state.mode == ClientMode::X509))
    }
}

/// What a device is called here.
pub(super) fn name_of(device: &ClientDevice) -> String {
    match device.name.as_str() {
        "" => language().client_nameless().to_owned(),
        name => name.to_owned(),
    }
}

fn choices(hubs: Vec<ClientHub>) -> Vec<Choice> {
    let t = language();
    let of = |number: usize, hub: ClientHub| {
        let with = |ca: ClientCa| ClientAccess {
            signer: hub.signer.clone(),
            ca,
        };
        let own = Choice {
            value: format!("hub-{number}"),
            label: t.client_by_hub(&hub.name),
            access: Some(with(ClientCa::Hub)),
        };
        let builtin = hub.builtin.clone().map(|organisation| Choice {
            value: format!("builtin-{number}"),
            label: t.client_by_builtin(&hub.name),
            access: Some(with(ClientCa::Builtin(organisation))),
        });
        std::iter::once(own).chain(builtin)
    };
    let mut choices: Vec<Choice> = hubs
        .into_iter()
        .enumerate()
        .flat_map(|(number, hub)| of(number, hub).collect::<Vec<_>>())
        .collect();
    choices.push(Choice {
        value: BY_KEY.to_owned(),
        label: t.client_by_key().to_owned(),
        access: None,
    });
    choices
}
