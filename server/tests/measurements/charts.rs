//! Charts as pages to be embedded: whole without a script, with the original's parameters, framed by whoever likes.

use serde_json::json;

use super::Channel;
use crate::support::{Engine, Server};

/// Threat model: WEB-14.
#[tokio::test]
async fn a_chart_is_a_page_of_svg_that_any_page_may_frame() {
    let server = Server::start(Engine::Sqlite).await;
    let channel = Channel::new(&server).await;
    let empty = channel.read(&server, "charts/1").await;
    assert!(empty.text.contains("No values in this span"), "{empty:?}");
    for minute in 0..10 {
        let query = format!(
            "field1={}&created_at=2027-01-15T07:0{minute}:00Z",
            minute * minute
        );
        channel.update(&server, &query).await;
    }
    let chart = channel.read(&server, "charts/1?results=60").await;
    assert_eq!(chart.status, 200);
    assert_eq!(chart.headers["content-type"], "text/html; charset=utf-8");
    let policy = chart.headers["content-security-policy"].to_str().expect("text");
    assert_eq!(policy, "default-src 'none'; frame-ancestors *");
    assert!(chart.text.contains("width=\"400\" height=\"200\""), "{chart:?}");
    assert!(
        chart
            .text
            .contains("Field 1: 10 values, last value 81 at 2027-01-15T07:09:00Z"),
        "{chart:?}"
    );
    for absent in ["<script", "style=", "http-equiv", "NaN", "inf"] {
        assert!(!chart.text.contains(absent), "{absent}: {chart:?}");
    }
    let named = "charts/1?results=5&title=%3Cb%3EHall%3C/b%3E&color=%2300ff00&bgcolor=black&dynamic=true&type=column&width=800&height=300&xaxis=When&yaxis=Degrees";
    let chart = channel.read(&server, named).await.text;
    for present in [
        "&lt;b&gt;Hall&lt;/b&gt;",
        "fill=\"#00ff00\"",
        "fill=\"black\"",
        "content=\"15\"",
        "viewBox=\"0 0 800 300\"",
        ">When<",
        ">Degrees<",
        "Degrees: 5 values",
    ] {
        assert!(chart.contains(present), "{present}: {chart}");
    }
    // What is no colour and no size is not put into the page.
    let odd = "charts/1?results=5&color=red%22/%3E%3Cscript%3E&bgcolor=url(x)&width=-1&height=1e99&type=pie";
    let chart = channel.read(&server, odd).await.text;
    assert!(
        !chart.contains("script") && !chart.contains("url") && chart.contains("viewBox=\"0 0 400 200\""),
        "{chart}"
    );
    for kind in ["line", "spline", "step", "bar"] {
        let chart = channel
            .read(&server, &format!("charts/1?results=5&average=10&type={kind}"))
            .await;
        assert!(chart.text.contains("1 values"), "{kind}: {chart:?}");
    }
}

#[tokio::test]
async fn a_chart_shows_gaps_and_the_greatest_numbers() {
    let server = Server::start(Engine::Sqlite).await;
    let channel = Channel::new(&server).await;
    for (minute, value) in [(0, "1e308"), (1, "-1e308"), (2, "0"), (40, "1"), (41, "2")] {
        let query = format!("field1={value}&created_at=2027-01-15T07:{minute:02}:00Z");
        channel.update(&server, &query).await;
    }
    let chart = channel.read(&server, "charts/1?results=5").await.text;
    assert!(!chart.contains("NaN") && !chart.contains("inf"), "{chart}");
    let curve = chart
        .split("<path d=\"")
        .find(|path| path.contains("stroke-width=\"2\""))
        .expect("a curve");
    assert_eq!(
        curve.matches('M').count(),
        2,
        "one stroke before the gap and one behind it: {curve}"
    );
    assert_eq!(json!(curve.matches('L').count()), json!(3));
}
