//! The HTTP archive of a broken test, without what nobody may read: it is kept, and shown to who mends the test.

use std::io;
use std::path::Path;

use common::redact;
use serde_json::Value;

use super::results::without_values;

/// True for the name of an archive.
pub(super) fn is(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "har")
}

/// Takes secrets and people out of an archive. What cannot be read as one is removed: it cannot be told what is in it.
///
/// # Errors
/// When the file can be neither read, nor written, nor removed.
pub(super) fn scrub(path: &Path) -> io::Result<()> {
    match serde_json::from_slice::<Value>(&std::fs::read(path)?) {
        Ok(mut archive) => {
            without_people(&mut archive);
            std::fs::write(path, archive.to_string())
        }
        Err(_) => std::fs::remove_file(path),
    }
}

fn without_people(archive: &mut Value) {
    each_entry(archive, &mut |entry| {
        for pointer in ["/request/url", "/response/redirectURL"] {
            texts(entry, pointer, without_values);
        }
        texts(entry, "/request/postData/text", body);
        texts(entry, "/response/content/text", body);
        for pointer in ["/request/headers", "/response/headers"] {
            headers(entry, pointer);
        }
        cookies(entry);
    });
    redact::scrub_json(archive);
}

fn each_entry(archive: &mut Value, with: &mut impl FnMut(&mut Value)) {
    let entries = archive.pointer_mut("/log/entries").and_then(Value::as_array_mut);
    entries.into_iter().flatten().for_each(with);
}

fn texts(entry: &mut Value, pointer: &str, with: impl Fn(&str) -> String) {
    if let Some(Value::String(text)) = entry.pointer_mut(pointer) {
        *text = with(text);
    }
}

/// Addresses in headers, as `location` and `referer` have them.
fn headers(entry: &mut Value, pointer: &str) {
    let headers = entry.pointer_mut(pointer).and_then(Value::as_array_mut);
    for header in headers.into_iter().flatten() {
        texts(header, "/value", without_values);
    }
}

/// Cookies are listed by their own names, none of which has to sound like a secret.
fn cookies(entry: &mut Value) {
    for pointer in ["/request/cookies", "/response/cookies"] {
        let cookies = entry.pointer_mut(pointer).and_then(Value::as_array_mut);
        for cookie in cookies.into_iter().flatten() {
            texts(cookie, "/value", |_| "[a secret]".to_owned());
        }
    }
}

/// A body as it may be read: JSON by the names of its fields; a form, of which the archive lists the fields beside, not at
/// all; other texts by their forms.
fn body(text: &str) -> String {
    if let Ok(mut document) = serde_json::from_str::<Value>(text)
        && (document.is_object() || document.is_array())
    {
        redact::scrub_json(&mut document);
        return document.to_string();
    }
    let is_form = text.contains('=') && !text.contains(char::is_whitespace) && !text.contains('<');
    if is_form { "[a form]".to_owned() } else { redact::scrub(text) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_archive_keeps_the_way_and_loses_keys_passwords_and_people() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journey.har");
        let entry = json!({
            "request": {
                "url": "http://127.0.0.1:7105/auth/callback?code=s3cr3t&state=s3cr3t",
                "headers": [{ "name": "cookie", "value": "sid=s3cr3t" }, { "name": "accept", "value": "text/html" }],
                "cookies": [{ "name": "sid", "value": "s3cr3t" }],
                "postData": {
                    "text": "email=test_student_0123456789abcdef%40example.test&password=s3cr3t",
                    "params": [{ "name": "password", "value": "s3cr3t" }]
                }
            },
            "response": {
                "status": 302,
                "redirectURL": "http://127.0.0.1:7105/x?token=s3cr3t",
                "headers": [{ "name": "location", "value": "http://127.0.0.1:7105/x?token=s3cr3t" }],
                "content": { "text": "{\"access_token\":\"s3cr3t\",\"to\":\"test_student_0123456789abcdef@example.test\"}" }
            }
        });
        std::fs::write(&path, json!({ "log": { "entries": [entry] } }).to_string()).unwrap();
        scrub(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("s3cr3t") && !text.contains("test_student"), "{text}");
        for kept in ["/auth/callback?code=…&state=…", "\"status\":302", "text/html", "\"name\":\"sid\""] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
    }

    #[test]
    fn what_is_no_archive_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journey.har");
        std::fs::write(&path, "half a docu").unwrap();
        scrub(&path).unwrap();
        assert!(!path.exists() && is(&path) && !is(Path::new("trace.zip")));
    }
}
