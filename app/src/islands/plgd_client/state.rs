//! What the page knows of one client, and the one thing that is being done with it.

use gangway_protocol::signer::Signer;
use gangway_protocol::time::UnixMillis;
use gangway_signing::{
    ClientAccess, ClientAddress, ClientCa, ClientDevice, ClientEnd, ClientError, ClientMode, ClientStage,
    ClientState, ClientStep, ClientTask, ClientWork, Ownership,
};
use leptos::prelude::*;

use super::choices::{BY_KEY, Choice, ClientHub, choices};
use crate::browser::plgd_client::{self, Reached, Stepped, Wanted};
use crate::browser::{clock, recent};
use crate::visit::language;
use crate::visitor::{api, step_up};

/// What the person has asked for.
#[derive(Clone)]
pub(super) enum Action {
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
pub(super) enum Prompt {
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
    Trouble(String),
}

/// What the parts of the page share.
#[derive(Clone, Copy)]
pub(super) struct ClientPage {
    client: StoredValue<ClientAddress>,
    choices: StoredValue<Vec<Choice>>,
    reachable: StoredValue<Vec<String>>,
    /// The value of the chosen way.
    pub(super) chosen: RwSignal<String>,
    pub(super) state: RwSignal<Option<ClientState>>,
    pub(super) devices: RwSignal<Option<Vec<ClientDevice>>>,
    pub(super) doing: RwSignal<Option<Action>>,
    pub(super) prompt: RwSignal<Option<Prompt>>,
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

impl ClientPage {
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
            prompt: RwSignal::new(None),
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
        self.begin(Action::Look, Wanted::Task(ClientTask::Look));
    }

    pub(super) fn discover(self, endpoint: Option<String>) {
        let nanos = self
            .state
            .with_untracked(|state| state.as_ref().and_then(|state| state.discovery_nanos));
        self.begin(
            Action::Discover,
            Wanted::Task(ClientTask::Discover { endpoint, nanos }),
        );
    }

    /// Begins something; nothing while something else is being done.
    pub(super) fn begin(self, action: Action, wanted: Wanted) {
        if self.doing.with_untracked(Option::is_some) {
            return;
        }
        self.said.set(None);
        self.had_expired.set(false);
        self.course.set(Course::default());
        let access = match self.access(&action) {
            Ok(access) => access,
            Err(said) => {
                self.said.set(Some(said));
                return;
            }
        };
        self.doing.set(Some(action.clone()));
        self.run.update_value(|run| *run += 1);
        let run = self.run.get_value();
        let client = self.client.get_value();
        leptos::task::spawn_local(async move {
            if !self.prove(&action).await {
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
        self.prompt.set(None);
        let (work, run) = (self.work.get_value(), self.run.get_value());
        let Some((work, action)) = work.zip(self.doing.get_untracked()) else {
            return;
        };
        leptos::task::spawn_local(async move {
            if self.prove(&action).await {
                self.run(run, work).await;
            }
        });
    }

    /// Our own CA asks for a passkey that was proved just now: before the client's time runs. A sign-in at the hub may take longer
    /// than that lasts.
    async fn prove(self, action: &Action) -> bool {
        let access = self.access(action).ok().flatten();
        let is_builtin = access.is_some_and(|access| access.ca != ClientCa::Hub);
        let now = clock::now();
        let is_fresh = self
            .proved_at
            .get_value()
            .is_some_and(|proved| now.since(proved) < PROOF_MILLIS);
        if is_fresh || !is_builtin || !matches!(action, Action::Initialise | Action::Own(_)) {
            return true;
        }
        match step_up(&api()).await {
            Ok(_) => {
                self.proved_at.set_value(Some(clock::now()));
                true
            }
            Err(trouble) => {
                self.doing.set(None);
                self.said.set(trouble.words(language()).map(Said::Trouble));
                false
            }
        }
    }

    /// Something came back with a person, to this page or to another one.
    pub(super) fn arrived(self, returned: String) {
        let waits = self
            .prompt
            .with_untracked(|prompt| matches!(prompt, Some(Prompt::Code { .. })));
        let Some(work) = self.work.get_value().filter(|_| waits) else {
            return;
        };
        let run = self.run.get_value();
        // A code is used once: who presses again meanwhile has nothing to press.
        let prompt = self.prompt.get_untracked();
        self.work.set_value(None);
        self.prompt.set(None);
        leptos::task::spawn_local(async move {
            let kept = work.clone();
            let stepped =
                plgd_client::arrive(&api(), work, returned, move |reached| self.reach(reached)).await;
            match stepped {
                Some(stepped) => self.take(run, stepped),
                // It was for another page.
                None if self.run.get_value() == run => {
                    self.work.set_value(Some(kept));
                    self.prompt.set(prompt);
                }
                None => {}
            }
        });
    }

    /// The person gives up what waits for them.
    pub(super) fn give_up(self) {
        self.run.update_value(|run| *run += 1);
        self.prompt.set(None);
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
        let action = self.doing.get_untracked();
        let prompt = match (&step, &action) {
            (Ok(ClientStep::NeedCredentials { refused }), Some(action)) => self
                .access(action)
                .ok()
                .flatten()
                .map(|access| Prompt::Credentials(Box::new(access.signer), refused.clone())),
            (Ok(ClientStep::Visit { url }), Some(Action::Onboard(device))) => Some(Prompt::Code {
                device: name_of(device),
                url: url.clone(),
            }),
            _ => None,
        };
        if prompt.is_some() {
            self.work.set_value(Some(work));
            self.prompt.set(prompt);
            return;
        }
        self.work.set_value(None);
        self.doing.set(None);
        self.course
            .update(|course| course.ended = Some((clock::now(), step.is_ok())));
        match (step, action) {
            (Ok(ClientStep::Done(end)), Some(action)) => self.end(*end, action),
            (Err(error), _) => {
                if matches!(error, ClientError::Unreachable { .. }) {
                    self.devices.set(None);
                }
                self.said.set(Some(Said::Bad(error)));
            }
            _ => {}
        }
    }

    fn end(self, end: ClientEnd, action: Action) {
        let t = language();
        let said = match (&action, &end) {
            (Action::Look | Action::Discover, _) => None,
            (Action::Initialise, _) => Some(t.client_done_initialised().to_owned()),
            (Action::Share, _) => Some(t.client_done_shared().to_owned()),
            (Action::Reset, _) => Some(t.client_done_reset().to_owned()),
            (Action::Own(device), _) => Some(t.client_device_is_owned(&name_of(device))),
            (Action::Disown(device), _) => Some(t.client_device_is_disowned(&name_of(device))),
            (Action::Onboard(device) | Action::Offboard(device), ClientEnd::Cloud(status)) => {
                Some(t.client_cloud(&name_of(device), *status))
            }
            (Action::Onboard(_) | Action::Offboard(_), _) => None,
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
        match action {
            Action::Own(device) => self.now_is(&device, Ownership::Owned),
            Action::Disown(device) => self.now_is(&device, Ownership::Unowned),
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
    fn access(self, action: &Action) -> Result<Option<ClientAccess>, Said> {
        let t = language();
        let chosen = self.chosen.get_untracked();
        let chosen = self.choices.with_value(|choices| {
            let by_value = choices.iter().find(|choice| choice.value == chosen);
            by_value.and_then(|choice| choice.access.clone())
        });
        let access = match action {
            // It sends no token: who is signed in is compared here.
            Action::Look => return Ok(chosen),
            Action::Share => return Ok(None),
            Action::Initialise => chosen,
            _ if !self.takes_hub_untracked() => return Ok(None),
            _ => chosen.or_else(|| self.choices.with_value(|choices| choices.first()?.access.clone())),
        };
        let access = access.ok_or_else(|| Said::Trouble(t.client_no_hub().to_owned()))?;
        let is_reachable = self.reachable.with_value(|reachable| {
            let origins = access.signer.kind.origins();
            origins.iter().all(|origin| reachable.contains(origin))
        });
        if !is_reachable {
            return Err(Said::Trouble(t.signer_unreachable().to_owned()));
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
