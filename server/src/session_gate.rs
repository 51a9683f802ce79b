//! Who may open a session: looks certificates up, checks proofs, raises clone alarms.
