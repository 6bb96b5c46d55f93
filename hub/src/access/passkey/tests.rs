//! An authenticator of our own, which tells the truth and every lie.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

use super::*;

const ORIGIN: &str = "https://xunke.example.edu.cn:8443";

pub(crate) struct Authenticator {
    pair: EcdsaKeyPair,
    id: Vec<u8>,
    site: &'static str,
}

impl Authenticator {
    fn new() -> Self {
        Self::of("xunke.example.edu.cn")
    }

    pub(crate) fn of(site: &'static str) -> Self {
        Self {
            site,
            pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            id: vec![7; 20],
        }
    }

    pub(crate) fn data(&self, site: &str, flags: u8, counter: u32) -> Vec<u8> {
        let mut data = Sha256::digest(site.as_bytes()).to_vec();
        data.push(flags);
        data.extend(counter.to_be_bytes());
        data
    }

    pub(crate) fn make(&self, client_data: Vec<u8>) -> Made {
        let mut data = self.data(self.site, 0x41, 5);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        Made {
            client_data,
            authenticator_data: data,
            public_key: self.pair.public_key().as_der().unwrap().as_ref().to_vec(),
            algorithm: -7,
        }
    }

    pub(crate) fn sign(&self, client_data: Vec<u8>, authenticator_data: Vec<u8>) -> Signed {
        let hash = Sha256::digest(&client_data);
        let message = [authenticator_data.as_slice(), &hash].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &message).unwrap();
        Signed {
            client_data,
            authenticator_data,
            signature: signature.as_ref().to_vec(),
        }
    }
}

pub(crate) fn client_data(ceremony: &str, challenge: &str, origin: &str) -> Vec<u8> {
    let data = serde_json::json!({
        "type": ceremony,
        "challenge": challenge,
        "origin": origin,
        "crossOrigin": false,
        "other": "browsers add what they like",
    });
    serde_json::to_vec(&data).unwrap()
}

fn site() -> Site {
    Site::new(ORIGIN)
}

#[test]
fn the_name_of_a_site_is_its_host() {
    assert_eq!(site().id(), "xunke.example.edu.cn");
    assert_eq!(Site::new("https://localhost").id(), "localhost");
}

/// X1: a key is made for this site, signs for it, and counts on.
#[test]
fn a_key_is_made_and_signs() {
    let authenticator = Authenticator::new();
    let made_data = client_data("webauthn.create", "c1", ORIGIN);
    let key = made(&site(), "c1", &authenticator.make(made_data)).unwrap();
    assert_eq!(
        (key.credential_id.as_slice(), key.counter),
        (&[7; 20][..], 5)
    );
    let data = authenticator.data("xunke.example.edu.cn", 1, 6);
    let answer = authenticator.sign(client_data("webauthn.get", "c2", ORIGIN), data);
    assert_eq!(signed(&site(), "c2", &key, &answer), Ok(6));
}

/// X1: another question, site, ceremony, key or algorithm is refused.
#[test]
fn every_lie_is_refused() {
    let authenticator = Authenticator::new();
    let check_made = |ceremony, challenge, origin| {
        let data = client_data(ceremony, challenge, origin);
        made(&site(), "c1", &authenticator.make(data)).map(drop)
    };
    let foreign = Err(Error::Foreign);
    assert_eq!(check_made("webauthn.create", "c1", ORIGIN), Ok(()));
    assert_eq!(check_made("webauthn.get", "c1", ORIGIN), foreign);
    assert_eq!(check_made("webauthn.create", "c0", ORIGIN), foreign);
    assert_eq!(
        check_made("webauthn.create", "c1", "https://evil.example"),
        foreign
    );
    let honest = || authenticator.make(client_data("webauthn.create", "c1", ORIGIN));
    for broken in [
        |made: &mut Made| made.authenticator_data.truncate(40),
        |made: &mut Made| made.authenticator_data[32] = 0x01,
        |made: &mut Made| made.public_key.truncate(30),
        |made: &mut Made| made.algorithm = -65535,
        |made: &mut Made| made.client_data.truncate(9),
    ] {
        let mut answer = honest();
        broken(&mut answer);
        assert_eq!(made(&site(), "c1", &answer), Err(Error::Unreadable));
    }
    let key = made(&site(), "c1", &honest()).unwrap();
    let check = |site_id: &str, flags, counter, by: &Authenticator| {
        let data = by.data(site_id, flags, counter);
        let answer = by.sign(client_data("webauthn.get", "c2", ORIGIN), data);
        signed(&site(), "c2", &key, &answer)
    };
    let own = "xunke.example.edu.cn";
    assert_eq!(check(own, 1, 6, &authenticator), Ok(6));
    assert_eq!(
        check("example.edu.cn", 1, 6, &authenticator),
        Err(Error::Foreign)
    );
    assert_eq!(check(own, 4, 6, &authenticator), Err(Error::Absent));
    assert_eq!(
        check(own, 1, 6, &Authenticator::new()),
        Err(Error::Signature)
    );
    assert_eq!(check(own, 1, 5, &authenticator), Err(Error::Copied));
    assert_eq!(check(own, 1, 0, &authenticator), Err(Error::Copied));
    let still = Key {
        counter: 0,
        ..key.clone()
    };
    let data = authenticator.data(own, 1, 0);
    let mut answer = authenticator.sign(client_data("webauthn.get", "c2", ORIGIN), data);
    assert_eq!(
        signed(&site(), "c2", &still, &answer),
        Ok(0),
        "it does not count"
    );
    answer.authenticator_data[36] = 9;
    assert_eq!(
        signed(&site(), "c2", &still, &answer),
        Err(Error::Signature)
    );
}

/// X1: a challenge is good once, for one thing, for two minutes, for one person.
#[test]
fn a_challenge_is_taken_once() {
    let challenges = Challenges::default();
    let person = Uuid::from_u128(1);
    let take = |challenge: &str, purpose, now_ms| {
        let data = client_data("webauthn.get", challenge, ORIGIN);
        challenges.take(&data, purpose, now_ms)
    };
    let given = || challenges.give(person, Purpose::SignIn, 0);
    let challenge = given();
    let taken = take(&challenge, Purpose::SignIn, LASTS_MS - 1);
    assert_eq!(taken, Ok((challenge.clone(), person)));
    let foreign = Err(Error::Foreign);
    assert_eq!(take(&challenge, Purpose::SignIn, 0), foreign);
    assert_eq!(take(&given(), Purpose::Create, 0), foreign);
    assert_eq!(take(&given(), Purpose::SignIn, LASTS_MS), foreign);
    assert_eq!(take("made-up", Purpose::SignIn, 0), foreign);
}
