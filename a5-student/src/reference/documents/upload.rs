//! The upload form, read field by field; what does not fit is told in words for the student.

use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError};
use axum::http::StatusCode;

/// The longest document, in bytes.
const MAX_BYTES: usize = 200_000;
/// The longest title, in bytes.
const MAX_TITLE: usize = 200;

/// A form that was filled in well.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) form_nonce: String,
    pub(super) title: String,
    pub(super) text: String,
}

/// What the student is told about a form that was not.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) status: StatusCode,
    pub(super) text: String,
}

impl Complaint {
    fn new(status: StatusCode, text: &str) -> Self {
        Self { status, text: text.to_owned() }
    }
}

impl From<MultipartError> for Complaint {
    fn from(error: MultipartError) -> Self {
        Self { status: error.status(), text: "The form broke off. Please send it again.".to_owned() }
    }
}

impl Upload {
    pub(super) async fn read(mut form: Multipart) -> Result<Self, Complaint> {
        let (mut form_nonce, mut title, mut text) = (String::new(), String::new(), None);
        while let Some(field) = form.next_field().await? {
            match field.name().unwrap_or_default() {
                "form_nonce" => form_nonce = field.text().await?,
                "title" => title = field.text().await?.trim().to_owned(),
                "file" => text = Some(file(field).await?),
                _ => {}
            }
        }
        let title = checked_title(&title)?.to_owned();
        let missing = || Complaint::new(StatusCode::UNPROCESSABLE_ENTITY, "Choose a file to upload.");
        let text = checked_text(&text.ok_or_else(missing)?)?;
        Ok(Self { form_nonce, title, text })
    }
}

/// The bytes of a file of a kind that can be read.
async fn file(field: Field<'_>) -> Result<Vec<u8>, Complaint> {
    let kind = field.content_type().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_owned();
    let name = field.file_name().unwrap_or_default().to_lowercase();
    let bytes = field.bytes().await?;
    if bytes.is_empty() && name.is_empty() {
        return Err(Complaint::new(StatusCode::UNPROCESSABLE_ENTITY, "Choose a file to upload."));
    }
    // Some systems do not know Markdown and send it as bytes.
    let is_named_text = [".txt", ".md", ".markdown"].iter().any(|end| name.ends_with(end));
    let is_text = matches!(kind.as_str(), "text/plain" | "text/markdown")
        || (matches!(kind.as_str(), "" | "application/octet-stream") && is_named_text);
    if !is_text {
        let text = "Only plain text (.txt) and Markdown (.md) can be read. Save your document as one of them.";
        return Err(Complaint::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    Ok(bytes.to_vec())
}

fn checked_title(title: &str) -> Result<&str, Complaint> {
    if title.is_empty() || title.len() > MAX_TITLE {
        let text = "Give the document a title of at most 200 characters.";
        return Err(Complaint::new(StatusCode::UNPROCESSABLE_ENTITY, text));
    }
    Ok(title)
}

fn checked_text(bytes: &[u8]) -> Result<String, Complaint> {
    if bytes.len() > MAX_BYTES {
        let text = "The file is over 200 kB. Upload the part that matters.";
        return Err(Complaint::new(StatusCode::PAYLOAD_TOO_LARGE, text));
    }
    let not_text = "The file is not readable as text (UTF-8). Save it as plain text.";
    let text = std::str::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'))
        .ok_or_else(|| Complaint::new(StatusCode::UNPROCESSABLE_ENTITY, not_text))?;
    if text.trim().is_empty() {
        return Err(Complaint::new(StatusCode::UNPROCESSABLE_ENTITY, "The file is empty. Choose another."));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_text_of_1_to_200_000_bytes() {
        let status = |bytes: &[u8]| checked_text(bytes).map_err(|complaint| complaint.status.as_u16());
        assert_eq!(status(b"I tutor."), Ok("I tutor.".to_owned()));
        assert_eq!(status(&vec![b'a'; 200_000]).map(|text| text.len()), Ok(200_000));
        assert_eq!(status(&vec![b'a'; 200_001]), Err(413));
        assert_eq!([status(b""), status(b" \n"), status(b"\xff\xfe"), status(b"a\0b")], [const { Err(422) }; 4]);
    }

    #[test]
    fn a_title_is_neither_empty_nor_longer_than_a4_takes() {
        assert_eq!(checked_title("Essay"), Ok("Essay"));
        assert!(checked_title("").is_err() && checked_title(&"a".repeat(201)).is_err());
    }
}
