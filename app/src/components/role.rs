//! What a member may do, in a word and in a sentence.

use gangway_protocol::organisation::Role;

use crate::preference::Language;

/// The word for a role.
pub(crate) fn role_name(t: Language, role: Role) -> &'static str {
    match role {
        Role::Viewer => t.role_viewer(),
        Role::Installer => t.role_installer(),
        Role::Operator => t.role_operator(),
        Role::Admin => t.role_admin(),
        Role::Owner => t.role_owner(),
    }
}

/// What somebody with a role may do.
pub(crate) fn role_text(t: Language, role: Role) -> &'static str {
    match role {
        Role::Viewer => t.role_viewer_text(),
        Role::Installer => t.role_installer_text(),
        Role::Operator => t.role_operator_text(),
        Role::Admin => t.role_admin_text(),
        Role::Owner => t.role_owner_text(),
    }
}
