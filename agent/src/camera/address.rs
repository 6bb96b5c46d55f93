//! Names of cameras: asked for by the agent, because a confined worker can ask nobody.

use std::net::IpAddr;
use tokio::net::lookup_host;
use url::{Host, Url};

/// The name in a camera's address leads nowhere.
#[derive(Debug, thiserror::Error)]
#[error("no address is known for the camera `{host}`: check the name, or write its number ({why})")]
pub struct Unresolved {
    host: String,
    why: String,
}

/// The URLs with numbers in the place of their names, and those numbers.
///
/// # Errors
/// The name server does not know a name or does not answer.
pub async fn resolve<const N: usize>(
    urls: [Option<&String>; N],
) -> Result<([Option<String>; N], Vec<IpAddr>), Unresolved> {
    let mut resolved = [const { None }; N];
    let mut addresses = Vec::new();
    for (place, url) in resolved.iter_mut().zip(urls) {
        let Some(url) = url else {
            continue;
        };
        let (url, address) = resolve_one(url).await?;
        *place = Some(url);
        addresses.push(address);
    }
    Ok((resolved, addresses))
}

async fn resolve_one(url: &str) -> Result<(String, IpAddr), Unresolved> {
    let unresolved = |host: &str, why: &str| Unresolved {
        host: host.to_owned(),
        why: why.to_owned(),
    };
    let mut parsed = Url::parse(url).map_err(|error| unresolved(url, &error.to_string()))?;
    let name = match parsed.host() {
        Some(Host::Ipv4(address)) => return Ok((url.to_owned(), address.into())),
        Some(Host::Ipv6(address)) => return Ok((url.to_owned(), address.into())),
        Some(Host::Domain(name)) => name.to_owned(),
        None => return Err(unresolved(url, "it names no host")),
    };
    // Other schemes than http take no host apart: an address in it is still a name to `url`.
    let address = match name.parse() {
        Ok(address) => address,
        Err(_) => ask(&name)
            .await
            .map_err(|error| unresolved(&name, &error.to_string()))?,
    };
    parsed
        .set_ip_host(address)
        .map_err(|()| unresolved(url, "it takes no number"))?;
    Ok((parsed.into(), address))
}

async fn ask(name: &str) -> std::io::Result<IpAddr> {
    let first = lookup_host((name, 0)).await?.next();
    first
        .map(|address| address.ip())
        .ok_or_else(|| std::io::Error::other("the name has no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_becomes_a_number_and_a_number_stays() {
        let check = async |url: &str| resolve_one(url).await.map(|(url, _)| url);
        let kept = "rtsp://10.1.2.3:8554/main?channel=1";
        assert_eq!(check(kept).await.unwrap(), kept);
        let six = "rtsp://[fd00::7]/main";
        assert_eq!(check(six).await.unwrap(), six);
        let local = check("rtsp://localhost:8554/main").await.unwrap();
        assert!(
            ["rtsp://127.0.0.1:8554/main", "rtsp://[::1]:8554/main"].contains(&local.as_str()),
            "{local}"
        );
        let error = check("rtsp://camera.invalid/main").await.unwrap_err();
        assert!(error.to_string().contains("camera.invalid"), "{error}");
    }
}
