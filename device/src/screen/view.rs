//! What the page shows, as it follows from what happened. No terminal in sight: events and instants go in.

use std::time::{Duration, Instant};

use gangway_device::event::{Event, Trouble};

use super::question::READABLE;
use super::wording::{clean, sentence};

/// How long the page calls attention to itself when somebody looks for the device.
const IDENTIFY: Duration = Duration::from_secs(10);
/// Lines of history that are kept; the page shows as many as fit.
const HISTORY: usize = 8;

/// The state of the page.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) name: String,
    pub(super) server: String,
    pub(super) scene: Scene,
    /// The code that is good at present, whatever the scene.
    pub(super) code: Option<Code>,
    /// What happened, in sentences, the latest last.
    pub(super) history: Vec<String>,
    /// What went wrong, until a connection stands again.
    pub(super) trouble: Option<Trouble>,
    /// Offline, and when the next attempt begins.
    pub(super) retry_at: Option<Instant>,
    pub(super) identify_until: Option<Instant>,
}

/// What is in the middle of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scene {
    /// Nothing to show yet.
    Connecting,
    /// The code, to be entered.
    Waiting,
    /// Too many attempts.
    Paused { until: Instant },
    /// Somebody with the right code looks at this device.
    Claimed,
    /// The question.
    Asked {
        organisation: String,
        approver: String,
        panel: String,
        /// From when on keys count.
        readable_at: Instant,
    },
    /// Accepted, waiting for the certificate, then for the first session.
    Joining { organisation: String },
    /// A session stands.
    Online { device: String },
    /// Connected, with limits.
    Limited { reason: String },
}

/// A code as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) user_code: String,
    pub(super) verification_uri: String,
    pub(super) link: String,
    pub(super) expires_at: Instant,
    pub(super) failures: u32,
}

impl View {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: clean(name),
            server: String::new(),
            scene: Scene::Connecting,
            code: None,
            history: Vec::new(),
            trouble: None,
            retry_at: None,
            identify_until: None,
        }
    }

    /// Takes in what happened.
    pub(super) fn apply(&mut self, event: &Event, now: Instant) {
        // The page itself shows that the device waits, and for how long.
        if let Some(text) = sentence(event).filter(|_| !matches!(event, Event::Waiting { .. })) {
            self.note(text);
        }
        if let Some(scene) = self.next_scene(event, now) {
            self.scene = scene;
        }
        match event {
            Event::Started { server, .. } => self.server.clone_from(server),
            Event::Code(code) => {
                self.code = Some(Code {
                    user_code: code.user_code.expose().to_owned(),
                    verification_uri: code.verification_uri.clone(),
                    link: code.verification_uri_complete.expose().to_owned(),
                    expires_at: now + Duration::from_secs(code.expires_in_secs),
                    failures: 0,
                });
            }
            Event::CodeWithdrawn { .. } | Event::Paused { .. } | Event::Installed { .. } => self.code = None,
            Event::AttemptFailed { count, .. } => {
                if let Some(code) = &mut self.code {
                    code.failures = *count;
                }
            }
            Event::Identify { .. } => self.identify_until = Some(now + IDENTIFY),
            Event::Offline { retry_in_secs, .. }
            | Event::InLobby { retry_in_secs, .. }
            | Event::NotJoined { retry_in_secs, .. } => {
                self.retry_at = Some(now + Duration::from_secs(*retry_in_secs));
            }
            Event::Error(trouble) => self.trouble = Some(trouble.clone()),
            _ => {}
        }
        if matches!(
            event,
            Event::Waiting { .. } | Event::Online { .. } | Event::Limited { .. }
        ) {
            self.retry_at = None;
            self.trouble = None;
        }
    }

    /// From when on keys count for the question, where one is shown.
    pub(super) fn keys_count_from(&mut self, at: Instant) {
        if let Scene::Asked { readable_at, .. } = &mut self.scene {
            *readable_at = at;
        }
    }

    /// Adds a line to the history.
    pub(super) fn note(&mut self, text: String) {
        if self.history.len() >= HISTORY {
            self.history.remove(0);
        }
        self.history.push(text);
    }

    fn next_scene(&self, event: &Event, now: Instant) -> Option<Scene> {
        Some(match event {
            Event::Waiting { .. } | Event::ClaimEnded { .. } => Scene::Waiting,
            Event::CodeWithdrawn { .. }
            | Event::Revoked { .. }
            | Event::Refused { .. }
            | Event::PermitPresented { .. }
            | Event::InLobby { .. }
            | Event::NotJoined { .. } => Scene::Connecting,
            Event::Paused { resumes_in_secs, .. } => Scene::Paused {
                until: now + Duration::from_secs(*resumes_in_secs),
            },
            Event::Claimed { .. } => Scene::Claimed,
            Event::ApprovalAsked {
                organisation,
                approver,
                panel,
                ..
            } => Scene::Asked {
                organisation: clean(organisation),
                approver: clean(approver),
                panel: clean(panel),
                readable_at: now + READABLE,
            },
            Event::Accepted { organisation, .. } => Scene::Joining {
                organisation: clean(organisation),
            },
            Event::Online { device, .. } => Scene::Online {
                device: device.to_string(),
            },
            Event::Limited { reason, .. } => Scene::Limited {
                reason: clean(reason),
            },
            // A connection that breaks while nobody crosses leaves the code on the screen.
            Event::Offline { .. } if matches!(self.scene, Scene::Claimed | Scene::Asked { .. }) => {
                Scene::Waiting
            }
            _ => return None,
        })
    }
}
