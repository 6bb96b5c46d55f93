//! Envelopes: what is asked, and what an envelope that came back holds. Pure.

use super::Error;
use super::xml::{self, Node, escape};
use std::fmt::Write;

/// Fault texts are the camera's own; a line is enough of them.
const REASON_CHARS_MAX: usize = 120;

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Name of the operation.
    pub name: &'static str,
    /// Its action, a URI.
    pub action: String,
    /// What stands in the body.
    pub body: String,
    /// What stands in the header besides `Security`.
    pub header: String,
}

impl Request {
    /// An operation of a service, with what stands within its element.
    pub fn new(namespace: &str, name: &'static str, inner: &str) -> Self {
        Self {
            name,
            action: format!("{namespace}/{name}"),
            body: format!("<x:{name} xmlns:x=\"{namespace}\">{inner}</x:{name}>"),
            header: String::new(),
        }
    }

    /// The whole envelope.
    pub fn envelope(&self, security: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
             <s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\">\
             <s:Header>{security}{}</s:Header><s:Body>{}</s:Body></s:Envelope>",
            self.header, self.body
        )
    }

    /// What the camera answered: the element in the body.
    ///
    /// # Errors
    /// Not an envelope, a fault, or the answer to something else.
    pub fn answer(&self, bytes: &[u8]) -> Result<Node, Error> {
        let mut envelope = xml::parse(bytes)?;
        let garbage = |what: &str| Error::Garbage(format!("{} gets {what}", self.name));
        if envelope.name != "Envelope" {
            return Err(garbage("a page that is no envelope"));
        }
        let body = envelope
            .children
            .iter_mut()
            .find(|child| child.name == "Body");
        let body = body.ok_or_else(|| garbage("an envelope without a body"))?;
        if let Some(fault) = body.child("Fault") {
            return Err(self.fault(fault));
        }
        let name = format!("{}Response", self.name);
        let answer = body.children.iter_mut().find(|child| child.name == name);
        answer
            .map(std::mem::take)
            .ok_or_else(|| garbage("the answer to something else"))
    }

    fn fault(&self, fault: &Node) -> Error {
        let mut code = fault.child("Code").or_else(|| fault.child("faultcode"));
        while let Some(inner) = code.and_then(|code| code.child("Subcode")) {
            code = Some(inner);
        }
        let value = code.and_then(|code| code.text_at(&["Value"]).or_else(|| code.text_at(&[])));
        let code = value.unwrap_or_default();
        let code = code.rsplit(':').next().unwrap_or_default();
        let reason = fault
            .text_at(&["Reason", "Text"])
            .or_else(|| fault.text_at(&["faultstring"]));
        if matches!(code, "NotAuthorized" | "FailedAuthentication") {
            return Error::Unauthorized;
        }
        Error::Fault {
            action: self.name,
            code: shortened(code),
            reason: shortened(reason.unwrap_or_default()),
        }
    }
}

/// A camera's words, safe for a line of a log.
pub fn shortened(text: &str) -> String {
    let printable = text.trim().chars().filter(|letter| !letter.is_control());
    printable.take(REASON_CHARS_MAX).collect()
}

/// Writes an element as the camera gave it: a subscription is named by headers that only it
/// understands.
pub fn echo(node: &Node, out: &mut String) {
    let name = escape(&node.name);
    let _ = write!(out, "<r:{name} xmlns:r=\"{}\">", escape(&node.namespace));
    out.push_str(&escape(node.text.trim()));
    node.children.iter().for_each(|child| echo(child, out));
    let _ = write!(out, "</r:{name}>");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request::new(
            "http://www.onvif.org/ver10/device/wsdl",
            "GetServices",
            "<x:A/>",
        )
    }

    fn wrapped(body: &str) -> Vec<u8> {
        format!("<S:Envelope xmlns:S=\"urn:s\"><S:Body>{body}</S:Body></S:Envelope>").into()
    }

    #[test]
    fn an_envelope_is_read_by_our_own_reader() {
        let node = xml::parse(request().envelope("<t/>").as_bytes()).unwrap();
        let asked = node.at(&["Body", "GetServices"]).unwrap();
        assert_eq!(asked.namespace, "http://www.onvif.org/ver10/device/wsdl");
        assert!(asked.child("A").is_some() && node.at(&["Header", "t"]).is_some());
    }

    #[test]
    fn an_answer_is_to_what_was_asked() {
        let good =
            wrapped("<tds:GetServicesResponse xmlns:tds='urn:t'><a/></tds:GetServicesResponse>");
        assert!(request().answer(&good).unwrap().child("a").is_some());
        for bad in [
            wrapped("<GetProfilesResponse/>"),
            wrapped(""),
            b"<html><body>Login</body></html>".to_vec(),
            b"<Envelope/>".to_vec(),
        ] {
            let error = request().answer(&bad).unwrap_err();
            assert!(matches!(error, Error::Garbage(_)), "{error}");
        }
    }

    #[test]
    fn faults_of_both_versions_are_understood() {
        let refused = wrapped(
            "<Fault><Code><Value>s:Sender</Value><Subcode><Value>ter:NotAuthorized</Value>\
             </Subcode></Code><Reason><Text>no</Text></Reason></Fault>",
        );
        assert!(matches!(
            request().answer(&refused),
            Err(Error::Unauthorized)
        ));
        let old = wrapped("<Fault><faultcode>ter:FailedAuthentication</faultcode></Fault>");
        assert!(matches!(request().answer(&old), Err(Error::Unauthorized)));
        let long = format!(
            "<Fault><Code><Value>s:Receiver</Value><Subcode><Value>ter:ActionNotSupported</Value>\
             </Subcode></Code><Reason><Text>{}\u{7}</Text></Reason></Fault>",
            "x".repeat(500)
        );
        let Err(Error::Fault {
            action,
            code,
            reason,
        }) = request().answer(&wrapped(&long))
        else {
            panic!("a fault is a fault");
        };
        assert_eq!(
            (action, code.as_str()),
            ("GetServices", "ActionNotSupported")
        );
        assert_eq!(reason.len(), REASON_CHARS_MAX);
    }

    #[test]
    fn a_subscription_is_named_as_the_camera_names_it() {
        let given = xml::parse(b"<d:Id xmlns:d='urn:axis'>7<d:P>&lt;</d:P></d:Id>").unwrap();
        let mut out = String::new();
        echo(&given, &mut out);
        assert_eq!(xml::parse(out.as_bytes()).unwrap(), given);
    }
}
