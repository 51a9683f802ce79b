//! What a member may do, in a word.

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
