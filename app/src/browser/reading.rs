//! One reading at a time. What comes up meanwhile has it done once more, because the answer may have been given before.

/// How far a reading is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reading {
    #[default]
    Idle,
    /// An answer is on its way.
    UnderWay,
    /// An answer is on its way that is out of date already.
    Outdated,
}

impl Reading {
    /// Whether to begin. One that is under way has to be done once more instead.
    pub(crate) fn begin(&mut self) -> bool {
        let idle = *self == Self::Idle;
        *self = if idle { Self::UnderWay } else { Self::Outdated };
        idle
    }

    /// Before each question.
    pub(crate) fn ask(&mut self) {
        *self = Self::UnderWay;
    }

    /// Whether an answer that has come is out of date.
    pub(crate) fn is_outdated(self) -> bool {
        self == Self::Outdated
    }

    /// Whether none is under way.
    pub(crate) fn is_idle(self) -> bool {
        self == Self::Idle
    }

    /// It is over.
    pub(crate) fn end(&mut self) {
        *self = Self::Idle;
    }
}
