//! XML as cameras write it, as a small tree, within limits. Pure.
//!
//! Prefixes are left out, because every vendor has its own. Document types, and with them all
//! entities but the five of XML itself, are refused.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

/// The deepest answer of ONVIF has about a dozen levels.
const DEPTH_MAX: usize = 48;
/// A recorder with 64 channels answers with about 15,000.
const NODES_MAX: usize = 30_000;
const ATTRIBUTES_MAX: usize = 32;

/// One element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Without its prefix.
    pub name: String,
    /// What its prefix stands for.
    pub namespace: String,
    /// All its own text.
    pub text: String,
    /// Names without prefixes.
    pub attributes: Vec<(String, String)>,
    /// In their order.
    pub children: Vec<Node>,
}

/// Why a text is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadXml {
    /// Not well formed.
    #[error("it is not well-formed XML")]
    Malformed,
    /// A document type, which can define entities without end.
    #[error("it brings a document type")]
    DocumentType,
    /// An entity that only a document type could define.
    #[error("it names an entity of its own")]
    Entity,
    /// More than any answer needs.
    #[error("it is nested or divided beyond all need")]
    Large,
}

impl Node {
    /// The first child of that name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Down a path of first children.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, name| node.child(name))
    }

    /// Text at the end of a path, without space around it; `None` when empty.
    pub fn text_at(&self, path: &[&str]) -> Option<&str> {
        let text = self.at(path)?.text.trim();
        (!text.is_empty()).then_some(text)
    }

    /// Number at the end of a path.
    pub fn number_at<T: std::str::FromStr>(&self, path: &[&str]) -> Option<T> {
        self.text_at(path)?.parse().ok()
    }

    /// All children of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// An attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Reads a whole document.
///
/// # Errors
/// See [`BadXml`].
pub fn parse(bytes: &[u8]) -> Result<Node, BadXml> {
    let text = String::from_utf8_lossy(bytes);
    let mut reader = NsReader::from_str(text.trim_start_matches('\u{feff}').trim_start());
    let mut open: Vec<Node> = Vec::new();
    let mut nodes = 0;
    loop {
        let (namespace, event) = reader
            .read_resolved_event()
            .map_err(|_| BadXml::Malformed)?;
        let done = match event {
            Event::Start(start) => {
                nodes += 1;
                if nodes > NODES_MAX || open.len() >= DEPTH_MAX {
                    return Err(BadXml::Large);
                }
                open.push(node(&start, &namespace)?);
                None
            }
            Event::Empty(start) => {
                nodes += 1;
                if nodes > NODES_MAX {
                    return Err(BadXml::Large);
                }
                close(&mut open, node(&start, &namespace)?)
            }
            Event::End(_) => {
                let ended = open.pop().ok_or(BadXml::Malformed)?;
                close(&mut open, ended)
            }
            Event::DocType(_) => return Err(BadXml::DocumentType),
            Event::Eof => return Err(BadXml::Malformed),
            other => {
                add_text(open.last_mut(), &other)?;
                None
            }
        };
        if let Some(root) = done {
            return Ok(root);
        }
    }
}

/// Hands an element to its parent; the outermost one is the document.
fn close(open: &mut [Node], ended: Node) -> Option<Node> {
    match open.last_mut() {
        Some(parent) => {
            parent.children.push(ended);
            None
        }
        None => Some(ended),
    }
}

fn node(start: &BytesStart<'_>, namespace: &ResolveResult<'_>) -> Result<Node, BadXml> {
    let namespace = match namespace {
        ResolveResult::Bound(namespace) => namespace.0.to_owned(),
        _ => String::new(),
    };
    let mut attributes = Vec::new();
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|_| BadXml::Malformed)?;
        let key = attribute.key;
        if attributes.len() >= ATTRIBUTES_MAX {
            return Err(BadXml::Large);
        }
        if key.as_namespace_binding().is_none() {
            let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0);
            let value = value.map_err(|_| BadXml::Entity)?.into_owned();
            attributes.push((key.local_name().as_ref().to_owned(), value));
        }
    }
    Ok(Node {
        name: start.local_name().as_ref().to_owned(),
        namespace,
        attributes,
        ..Node::default()
    })
}

fn add_text(node: Option<&mut Node>, event: &Event<'_>) -> Result<(), BadXml> {
    let Some(node) = node else {
        return Ok(());
    };
    match event {
        Event::Text(text) => node.text.push_str(&text.xml10_content()),
        Event::CData(data) => node.text.push_str(data.as_ref()),
        Event::GeneralRef(name) => match name.resolve_char_ref() {
            Ok(Some(letter)) => node.text.push(letter),
            _ => {
                let known = resolve_predefined_entity(name.as_ref());
                node.text.push_str(known.ok_or(BadXml::Entity)?);
            }
        },
        _ => {}
    }
    Ok(())
}

/// A text as it may stand in XML.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_prefix_and_texts_their_escapes() {
        let text = r#"<?xml version="1.0"?><!-- x --><a:Top xmlns:a="urn:a"><a:One b:k="1 &amp; 2"
            xmlns:b="urn:b"> R&amp;D &#x4e2d; <![CDATA[<x>]]> </a:One><Two/></a:Top>"#;
        let top = parse(text.as_bytes()).unwrap();
        assert_eq!(
            (top.name.as_str(), top.namespace.as_str()),
            ("Top", "urn:a")
        );
        assert_eq!(top.text_at(&["One"]), Some("R&D 中 <x>"));
        assert_eq!(top.child("One").unwrap().attribute("k"), Some("1 & 2"));
        assert!(top.child("Two").is_some() && top.text_at(&["Two"]).is_none());
        assert_eq!(parse(b"\xef\xbb\xbf\r\n<a/>").unwrap().name, "a");
    }

    /// X62: entities are not expanded, whatever they would become.
    #[test]
    fn billions_of_laughs_are_refused() {
        let laughs = br#"<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><l>&b;</l>"#;
        assert_eq!(parse(laughs), Err(BadXml::DocumentType));
        assert_eq!(parse(b"<l>&b;</l>"), Err(BadXml::Entity));
        assert_eq!(parse(b"<l k='&b;'/>"), Err(BadXml::Entity));
    }

    #[test]
    fn depth_and_number_have_limits() {
        let deep = |levels: usize| "<a>".repeat(levels) + &"</a>".repeat(levels);
        assert!(parse(deep(DEPTH_MAX).as_bytes()).is_ok());
        assert_eq!(parse(deep(DEPTH_MAX + 1).as_bytes()), Err(BadXml::Large));
        assert_eq!(parse(deep(100_000).as_bytes()), Err(BadXml::Large));
        let wide = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count));
        assert!(parse(wide(NODES_MAX - 1).as_bytes()).is_ok());
        assert_eq!(parse(wide(NODES_MAX).as_bytes()), Err(BadXml::Large));
        let keys: String = (0..40).map(|n| format!("k{n}='1' ")).collect();
        assert_eq!(parse(format!("<a {keys}/>").as_bytes()), Err(BadXml::Large));
    }

    #[test]
    fn what_is_no_document_is_malformed() {
        for text in [
            "",
            "hello",
            "<a>",
            "<a></b>",
            "</a>",
            "<a",
            "<a><b></a></b>",
            "\u{0}\u{1}",
        ] {
            assert_eq!(parse(text.as_bytes()), Err(BadXml::Malformed), "{text:?}");
        }
    }

    #[test]
    fn what_we_write_can_be_read() {
        let odd = "a<b>&\"c'";
        let text = format!("<a k=\"{0}\">{0}</a>", escape(odd));
        let node = parse(text.as_bytes()).unwrap();
        assert_eq!((node.text.as_str(), node.attribute("k")), (odd, Some(odd)));
    }
}
