//! Documents that people upload: a whole PDF, JPEG or PNG, known by how it begins and ends.

use xunke_policy::patrol::FieldError;

/// Largest document.
pub const BYTES_MAX: usize = 8 * 1024 * 1024;
/// Where a file says that it ends.
const END_BYTES: usize = 1024;

/// What a document is, by how it begins; one that does not end was cut off on its way.
///
/// # Errors
/// The field when it is no whole PDF, JPEG or PNG.
pub fn media_type(bytes: &[u8]) -> Result<&'static str, FieldError> {
    let end = &bytes[bytes.len().saturating_sub(END_BYTES)..];
    let has = |mark: &[u8]| end.windows(mark.len()).any(|window| window == mark);
    let (media_type, whole) = if bytes.starts_with(b"%PDF-") {
        ("application/pdf", has(b"%%EOF"))
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        ("image/jpeg", has(b"\xff\xd9"))
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        ("image/png", has(b"IEND"))
    } else {
        return Err(WRONG_KIND);
    };
    match whole {
        true => Ok(media_type),
        false => Err(CUT_OFF),
    }
}

/// How the name of such a file ends.
#[must_use]
pub fn suffix(media_type: &str) -> &'static str {
    match media_type {
        "application/pdf" => "pdf",
        "image/jpeg" => "jpg",
        _ => "png",
    }
}

const WRONG_KIND: FieldError = FieldError {
    field: "scan",
    zh: "扫描件须为 PDF、JPEG 或 PNG 文件。",
    en: "A scan is a PDF, JPEG or PNG file.",
};
const CUT_OFF: FieldError = FieldError {
    field: "scan",
    zh: "扫描件不完整（文件没有结尾），请重新上传。",
    en: "The scan is cut off: the file has no end. Upload it again.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_known_by_its_beginning_and_its_end() {
        let field = |bytes| media_type(bytes).unwrap_err().en;
        let pdf = b"%PDF-1.7\nscan\n%%EOF\n";
        assert_eq!(media_type(pdf), Ok("application/pdf"));
        let jpeg = b"\xff\xd8\xff\xe0picture\xff\xd9";
        assert_eq!(media_type(jpeg), Ok("image/jpeg"));
        let png = b"\x89PNG\r\n\x1a\npictureIEND\xae\x42\x60\x82";
        assert_eq!(media_type(png), Ok("image/png"));
        for whole in [pdf.as_slice(), jpeg, png] {
            assert_eq!(field(&whole[..whole.len() - 8]), CUT_OFF.en);
        }
        for wrong in [b"".as_slice(), b"PK\x03\x04", b"<html>%PDF-%%EOF", b"MZ"] {
            assert_eq!(field(wrong), WRONG_KIND.en);
        }
        let suffixes = ["application/pdf", "image/jpeg", "image/png"].map(suffix);
        assert_eq!(suffixes, ["pdf", "jpg", "png"]);
    }
}
