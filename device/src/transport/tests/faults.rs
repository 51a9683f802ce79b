//! Faults that look alike from afar, each with its own words: a CA with a new key, TLS and its absence mixed up, proxies that are
//! away.

use super::*;

async fn refusal(settings: &Settings) -> TransportError {
    let dialer = Dialer::new(settings, Arc::new(SetClock::at(NOW))).expect("a dialer");
    match dialer.open(ENROLMENT_SOCKET, "x").await {
        Ok(_) => panic!("it is no panel"),
        Err(error) => error,
    }
}

fn server_at(scheme: &str, listener: &TcpListener) -> Settings {
    let url = format!("{scheme}://{}", listener.local_addr().expect("an address"));
    Settings::new(url.parse().expect("a server"))
}

#[tokio::test]
async fn a_ca_that_was_given_a_new_key_under_its_old_name_is_told() {
    let scene = Scene::new(HOST).await;
    // Every test CA has the same names, and its own key.
    scene.trust(&TestCa::new().root_pem());
    let error = scene.connect_at(NOW, None).await.expect_err("it is another CA");
    assert_eq!(error, TransportError::OtherIssuerKey);
    let trouble = error.trouble();
    assert_eq!(trouble.code, "tls");
    assert!(
        trouble.message.contains("new key under its old name") && trouble.remedy.contains("--ca-file"),
        "{} {}",
        trouble.message,
        trouble.remedy
    );
    let both = TestCa::new().root_pem() + &TestCa::new().root_pem();
    scene.trust(&both);
    let error = scene.connect_at(NOW, None).await.expect_err("neither is its CA");
    assert_eq!(error, TransportError::OtherIssuerKey);
}

#[tokio::test]
async fn tls_to_a_port_without_it_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let settings = server_at("https", &listener);
    let serve = async {
        let (mut stream, _) = listener.accept().await.expect("accepted");
        let _hello = stream.read(&mut [0; 1024]).await.expect("a hello");
        let answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.expect("written");
        std::future::pending::<()>().await;
    };
    let error = tokio::select! {
        error = refusal(&settings) => error,
        () = serve => unreachable!("it waits for ever"),
    };
    assert_eq!(error, TransportError::NotTls);
    assert!(error.trouble().message.contains("does not speak TLS"));
    assert!(error.trouble().remedy.contains("http://"));
}

#[tokio::test]
async fn a_panel_with_tls_that_is_asked_without_it_is_told() {
    let relay = Relay::start(Some(serve_tls(&TestCa::new(), "localhost"))).await;
    let settings = Settings::new(relay.url().parse().expect("a server"));
    let error = tokio::select! {
        error = refusal(&settings) => error,
        _peer = relay.accept() => unreachable!("no handshake succeeds"),
    };
    assert!(matches!(error, TransportError::Handshake(_)), "{error}");
    assert!(error.trouble().remedy.contains("https:// where it speaks TLS"));
}

#[tokio::test]
async fn a_proxy_that_is_away_is_named_and_the_server_is_not_blamed() {
    let mut scene = Scene::new(HOST).await;
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = gone.local_addr().expect("an address");
    drop(gone);
    scene.settings.proxies.https = Some(format!("http://ship:w@{address}"));
    let error = refusal(&scene.settings).await;
    assert_eq!(error.trouble().code, "proxy");
    let said = error.to_string();
    assert!(
        said.contains(&format!("the proxy {address} cannot be reached: ")) && !said.contains("ship"),
        "{said}"
    );
    scene.settings.proxies.https = Some("http://no-such-proxy.invalid:3128".to_owned());
    let error = refusal(&scene.settings).await;
    assert_eq!(error.trouble().code, "proxy");
    assert!(error.to_string().contains("the name of the proxy"), "{error}");
}

#[tokio::test]
async fn a_proxy_without_tls_that_is_spoken_to_with_it_is_told() {
    let mut scene = Scene::new(HOST).await;
    let address = scene.proxy.local_addr().expect("an address");
    scene.settings.proxies.https = Some(format!("https://{address}"));
    let error = tokio::select! {
        error = refusal(&scene.settings) => error,
        () = scene.refuse("HTTP/1.1 400 Bad Request\r\n\r\n") => unreachable!("the proxy goes on for ever"),
    };
    let TransportError::Proxy(text) = error else {
        panic!("{error}")
    };
    assert!(text.contains("write its address with http://"), "{text}");
}

#[tokio::test]
async fn a_proxy_that_does_not_reach_the_server_is_told_from_one_that_refuses() {
    let scene = Scene::new(HOST).await;
    for status in [
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
    ] {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        let error = tokio::select! {
            error = refusal(&scene.settings) => error,
            () = scene.refuse(&answer) => unreachable!("the proxy goes on for ever"),
        };
        let TransportError::Proxy(text) = error else {
            panic!("{error}")
        };
        assert!(text.contains("does not reach panel.example:443"), "{text}");
    }
}

/// Time is advanced by itself while nothing happens.
#[tokio::test(start_paused = true)]
async fn a_silent_proxy_is_named() {
    let scene = Scene::new(HOST).await;
    let address = scene.proxy.local_addr().expect("an address");
    let error = refusal(&scene.settings).await;
    assert_eq!(error.trouble().code, "proxy");
    let words = format!("within 30 seconds through the proxy {address}");
    assert!(error.to_string().contains(&words), "{error}");
}
