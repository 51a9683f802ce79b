//! Enrolment: from approval to a certificate that a session has proved.
