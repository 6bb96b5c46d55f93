//! Mail to a relay on this machine that speaks as real ones do: STARTTLS, accounts, refusals.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::super::letter::example as letter;
use super::super::message::{About, Message, example};
use super::*;

const LOOSE: Allowed = Allowed { loopback: true };

/// A relay with its certificate.
struct Relay {
    port: u16,
    authority: Vec<u8>,
    /// Every line that it was told, after the line was made secret.
    told: Arc<Mutex<Vec<String>>>,
}

/// What a relay does.
#[derive(Clone, Copy)]
struct Manner {
    /// Offers STARTTLS.
    starts: bool,
    /// TLS from the first byte.
    wrapped: bool,
    /// What it says to a word, instead of yes.
    refuses: Option<(&'static str, &'static str)>,
}

const OPEN: Manner = Manner {
    starts: false,
    wrapped: false,
    refuses: None,
};

impl Relay {
    async fn start(manner: Manner) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let told = Arc::new(Mutex::new(Vec::new()));
        let shared = told.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                drop(serve(stream, acceptor.clone(), manner, shared.clone()).await);
            }
        });
        Self {
            port,
            authority: made.cert.der().to_vec(),
            told,
        }
    }

    fn told(&self) -> String {
        self.told.lock().unwrap().join("\n")
    }

    async fn send(&self, security: Security, user: &str, message: &Message) -> Verdict {
        let settings = Settings {
            host: "localhost".into(),
            port: self.port,
            security,
            user: user.into(),
            from: "xunke@example.edu.cn".into(),
            to: vec!["duty@example.edu.cn".into(), "night@example.edu.cn".into()],
        };
        let secrets = Secrets {
            address: String::new(),
            secret: "relay password".into(),
        };
        let trusted = (LOOSE, [self.authority.clone()]);
        let trusted = (trusted.0, trusted.1.as_slice());
        send(&settings, &secrets, trusted, &letter(message)).await
    }
}

async fn serve(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    manner: Manner,
    told: Arc<Mutex<Vec<String>>>,
) -> std::io::Result<()> {
    if manner.wrapped {
        let stream = acceptor.accept(stream).await?;
        return talk(stream, manner, &told, true).await.map(drop);
    }
    let stream = talk(stream, manner, &told, true).await?;
    match stream {
        Some(stream) => talk(acceptor.accept(stream).await?, manner, &told, false)
            .await
            .map(drop),
        None => Ok(()),
    }
}

/// Talks until the end, or until TLS is to begin; then gives the line back.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    manner: Manner,
    told: &Mutex<Vec<String>>,
    greets: bool,
) -> std::io::Result<Option<S>> {
    let mut stream = BufReader::new(stream);
    if greets {
        stream.write_all(b"220 relay.example ESMTP\r\n").await?;
    }
    let mut data = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let line = line.trim_end().to_owned();
        told.lock().unwrap().push(line.clone());
        let word = line
            .split([' ', ':'])
            .next()
            .unwrap_or_default()
            .to_uppercase();
        if data && line != "." {
            continue;
        }
        let secret = manner.wrapped || !greets;
        let answer = match word.as_str() {
            _ if manner.refuses.is_some_and(|(refused, _)| refused == word) => {
                manner.refuses.unwrap().1
            }
            "EHLO" if manner.starts && !secret => "250-relay.example\r\n250 STARTTLS",
            "EHLO" => "250-relay.example\r\n250 AUTH PLAIN LOGIN",
            "STARTTLS" => {
                stream.write_all(b"220 go ahead\r\n").await?;
                return Ok(Some(stream.into_inner()));
            }
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        data = word == "DATA" && answer.starts_with('3');
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

#[tokio::test]
async fn a_mail_goes_out_with_a_key_and_its_words() {
    let relay = Relay::start(OPEN).await;
    let sent = relay
        .send(Security::None, "", &example(About::Raised))
        .await;
    assert_eq!(sent, Verdict::Delivered);
    let told = relay.told();
    for expected in [
        "MAIL FROM:<xunke@example.edu.cn>",
        "RCPT TO:<duty@example.edu.cn>",
        "RCPT TO:<night@example.edu.cn>",
        "Message-ID: <0198f0c2-7a1e-7c3d-9b11-2f6f0f5f9a77@example.edu.cn>",
        "Date: Wed, 18 Nov 2026 11:06:40 +0000",
        "Content-Type: text/plain; charset=utf-8",
        "Subject: =?utf-8?b?",
    ] {
        assert!(told.contains(expected), "{expected}\n{told}");
    }
}

#[tokio::test]
async fn an_account_is_told_over_a_secret_line_only() {
    for (starts, wrapped, security) in [
        (true, false, Security::StartTls),
        (false, true, Security::Tls),
    ] {
        let relay = Relay::start(Manner {
            starts,
            wrapped,
            ..OPEN
        })
        .await;
        let sent = relay
            .send(security, "xunke", &example(About::Resolved))
            .await;
        assert_eq!(sent, Verdict::Delivered, "{security:?}");
        let told = relay.told();
        let account = told.find("AUTH PLAIN ").expect("an account");
        assert!(
            !starts || told.find("STARTTLS").unwrap() < account,
            "{told}"
        );
    }
    // A relay, or somebody between, that does not offer TLS gets nothing.
    let stripped = Relay::start(OPEN).await;
    let sent = stripped
        .send(Security::StartTls, "xunke", &example(About::Raised))
        .await;
    assert!(matches!(sent, Verdict::Later { .. }), "{sent:?}");
    let told = stripped.told();
    assert!(!told.contains("AUTH") && !told.contains("MAIL"), "{told}");
}

#[tokio::test]
async fn a_certificate_of_nobody_known_is_not_believed() {
    let relay = Relay::start(Manner {
        wrapped: true,
        ..OPEN
    })
    .await;
    let stranger = Relay {
        authority: Relay::start(OPEN).await.authority,
        ..relay
    };
    let sent = stranger
        .send(Security::Tls, "xunke", &example(About::Raised))
        .await;
    assert!(matches!(sent, Verdict::Later { .. }), "{sent:?}");
    assert_eq!(stranger.told(), "");
}

#[tokio::test]
async fn a_refusal_says_whether_to_try_again() {
    let sent = async |word, answer, user| {
        let refuses = Some((word, answer));
        let manner = Manner {
            starts: true,
            refuses,
            ..OPEN
        };
        let relay = Relay::start(manner).await;
        relay
            .send(Security::StartTls, user, &example(About::Raised))
            .await
    };
    let later = sent("MAIL", "451 greylisted, come back", "").await;
    assert!(matches!(&later, Verdict::Later { rest_ms: None, why } if why.contains("greylisted")));
    let account = sent("AUTH", "535 authentication failed", "xunke").await;
    assert!(
        matches!(
            &account,
            Verdict::Later {
                rest_ms: Some(_),
                ..
            }
        ),
        "{account:?}"
    );
    let never = sent("RCPT", "550 no such user", "").await;
    assert!(
        matches!(&never, Verdict::Refused { why } if why.contains("no such user")),
        "{never:?}"
    );
}

#[test]
fn what_does_not_fit_is_named() {
    let good = Settings {
        host: "mail.example.edu.cn".into(),
        port: 587,
        security: Security::StartTls,
        user: "xunke".into(),
        from: "xunke@example.edu.cn".into(),
        to: vec!["duty@example.edu.cn".into()],
    };
    let secrets = Secrets {
        address: String::new(),
        secret: "password".into(),
    };
    let check = |settings: &Settings| {
        let said = settings.check(&secrets, Allowed::default());
        said.map_err(|error| error.field)
    };
    assert_eq!(check(&good), Ok(()));
    type Change = fn(&mut Settings);
    let wrong: [(&str, Change); 7] = [
        ("host", |s| s.host = "localhost".into()),
        ("host", |s| s.host = "169.254.169.254".into()),
        ("port", |s| s.port = 0),
        ("user", |s| s.security = Security::None),
        ("secret", |s| s.user = String::new()),
        ("from", |s| s.from = "nobody".into()),
        ("to", |s| {
            s.to = vec!["a@example.com\r\nBcc: b@example.com".into()]
        }),
    ];
    for (field, change) in wrong {
        let mut settings = good.clone();
        change(&mut settings);
        assert_eq!(check(&settings), Err(field));
    }
}
