//! Posting to receivers on this machine, and not to those that may not be reached.

use super::super::letter::by_status;
use super::super::tests::Receiver;
use super::*;
use serde_json::json;

const LOOSE: Allowed = Allowed { loopback: true };

fn request(address: &str) -> Request {
    Request::json(address.parse().unwrap(), &json!({"a": 1}))
}

#[tokio::test]
async fn an_answer_comes_back_with_its_beginning() {
    let receiver = Receiver::start().await;
    let post = Post::new("", &[], LOOSE);
    receiver.says(
        "503 Busy\r\nretry-after: 7",
        &"x".repeat(ANSWER_BYTES_MAX + 9),
    );
    let answer = post.send(request(&receiver.address("/a"))).await.unwrap();
    assert_eq!((answer.status, answer.retry_after_s), (503, Some(7)));
    assert_eq!(answer.body.len(), ANSWER_BYTES_MAX);
    let asked = receiver.asked().remove(0);
    assert_eq!(asked.json(), json!({"a": 1}));
    assert_eq!(
        asked.header("content-type"),
        Some("application/json; charset=utf-8")
    );
}

/// A redirect would lead where nobody has judged.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let receiver = Receiver::start().await;
    let post = Post::new("", &[], LOOSE);
    let there = receiver.address("/there");
    receiver.says(&format!("302 Found\r\nlocation: {there}"), "");
    let answer = post
        .send(request(&receiver.address("/here")))
        .await
        .unwrap();
    assert!(matches!(by_status(&answer), Verdict::Later { .. }));
    assert_eq!(receiver.asked().len(), 1);
}

/// X20: the name is judged where it leads to, at the moment of connecting.
#[tokio::test]
async fn a_name_that_leads_home_is_not_connected_to() {
    let receiver = Receiver::start().await;
    let strict = Post::new("", &[], Allowed::default());
    let address = format!("https://localhost:{}/", receiver.port);
    let refused = strict.send(request(&address)).await.unwrap_err();
    let Verdict::Later { why, .. } = refused else {
        panic!("{refused:?}");
    };
    assert!(why.contains("no address that may be connected to"), "{why}");
    assert!(receiver.asked().is_empty());
}

#[tokio::test]
async fn nobody_there_is_for_later_and_names_no_address() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let post = Post::new("", &[], LOOSE);
    let address = format!("http://127.0.0.1:{port}/hook?key=secret-key");
    let refused = post.send(request(&address)).await.unwrap_err();
    assert!(matches!(&refused, Verdict::Later { why, .. } if !why.contains("secret-key")));
}

/// What goes out through the proxy is asked of the proxy, and this machine is not.
#[tokio::test]
async fn a_proxy_is_asked_for_what_lies_outside() {
    let (proxy, own) = (Receiver::start().await, Receiver::start().await);
    let post = Post::new(&proxy.address(""), &[], LOOSE);
    post.send(request(&own.address("/"))).await.unwrap();
    assert_eq!((own.asked().len(), proxy.asked().len()), (1, 0));
    proxy.says("502 Bad Gateway", "");
    let outside = post.send(request("https://robot.example/hook?key=k")).await;
    assert!(matches!(outside, Err(Verdict::Later { .. })));
    let asked = proxy.asked();
    assert!(
        asked[0].head.starts_with("CONNECT robot.example:443 "),
        "{}",
        asked[0].head
    );
}
