//! What `public_url` must be, so that passkeys, cookies and devices can rely on it.

use url::{Host, Url};

/// What is wrong with `public_url`, in a sentence that says what to do.
pub(super) fn problem(url: &Url) -> Option<String> {
    let host = match url.host() {
        // WebAuthn §5.1.2, §13.4.9: an RP ID is a domain; browsers refuse passkeys on IP addresses.
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => {
            return Some(format!(
                "public_url is {url}, but passkeys belong to a name and browsers refuse them on an IP address: give the server a DNS name and a certificate, or use http://localhost on this machine"
            ));
        }
        Some(Host::Domain(host)) => host,
        None => return Some(format!("public_url has no host: {url}")),
    };
    match url.scheme() {
        "https" => {}
        "http" if is_localhost(host) => {}
        "http" => {
            return Some(format!(
                "public_url is {url}, but browsers offer passkeys over https alone (localhost excepted): set tls_certificate and tls_key, or put a proxy with TLS in front, and say https://{host}"
            ));
        }
        other => {
            return Some(format!(
                "public_url starts with {other}: it has to be https, or http for localhost"
            ));
        }
    }
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return Some(format!(
            "public_url is {url}, but the server needs an origin of its own: nothing may follow the host and port"
        ));
    }
    None
}

/// What is wrong with an entry of `device_origins`.
pub(super) fn origin_problem(origin: &str) -> Option<String> {
    let fits = Url::parse(origin).is_ok_and(|url| {
        matches!(url.scheme(), "https" | "http") && url.origin().ascii_serialization() == origin
    });
    (!fits).then(|| {
        format!("device_origins holds `{origin}`, which is not an origin such as https://panel.example:8443")
    })
}

/// What is wrong with `ca_url`.
pub(super) fn ca_problem(url: &Url) -> Option<String> {
    let bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let fits = matches!(url.scheme(), "http" | "https") && url.has_host() && bare && url.password().is_none();
    (!fits).then(|| {
        format!("ca_url is {url}, but it has to be an address such as http://pki.example.com: http or https, a host, no query")
    })
}

/// What is wrong with an entry of `security_contact`. RFC 9116 §2.5.3: a URI, and https where it is one of the web.
pub(super) fn contact_problem(contact: &str) -> Option<String> {
    let fits = Url::parse(contact).is_ok_and(|url| matches!(url.scheme(), "https" | "mailto" | "tel"))
        && contact.chars().all(|c| c.is_ascii_graphic());
    (!fits).then(|| {
        format!(
            "security_contact holds `{contact}`, which is not an address such as mailto:security@example.com or https://example.com/security"
        )
    })
}

/// `localhost` and names below it mean this machine (RFC 6761 §6.3), and browsers trust them without TLS.
fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> Option<String> {
        problem(&url.parse().expect("a URL"))
    }

    #[test]
    fn names_over_https_and_localhost_over_http_are_fine() {
        for url in [
            "https://panel.example",
            "https://panel.example:8443/",
            "http://localhost:8080",
            "http://a.localhost",
        ] {
            assert_eq!(refused(url), None, "{url}");
        }
    }

    #[test]
    fn addresses_are_refused_with_the_reason() {
        for url in [
            "http://127.0.0.1:8080",
            "https://192.0.2.7",
            "https://[2001:db8::1]/",
        ] {
            assert!(
                refused(url).is_some_and(|text| text.contains("IP address") && text.contains("DNS name")),
                "{url}"
            );
        }
    }

    #[test]
    fn plain_http_paths_and_other_schemes_are_refused() {
        for url in [
            "http://panel.example",
            "https://panel.example/gangway",
            "ftp://panel.example",
            "https://me@panel.example",
        ] {
            assert!(refused(url).is_some(), "{url}");
        }
    }

    #[test]
    fn contacts_are_addresses_with_their_scheme() {
        for contact in [
            "mailto:security@example.com",
            "https://example.com/security",
            "tel:+49-1",
        ] {
            assert_eq!(contact_problem(contact), None, "{contact}");
        }
        for contact in [
            "security@example.com",
            "http://example.com",
            "mailto:a@b\nExpires: x",
        ] {
            assert!(contact_problem(contact).is_some(), "{contact}");
        }
    }

    #[test]
    fn origins_have_no_trailing_slash() {
        assert_eq!(origin_problem("https://panel.example"), None);
        assert!(origin_problem("https://panel.example/").is_some());
        assert!(origin_problem("panel.example").is_some());
    }
}
