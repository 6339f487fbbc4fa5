//! The images that link previews show.

use std::collections::BTreeMap;

use common::check::{CheckContext, CheckError};
use common::client::Reply;
use common::ids::AppId;

use super::crawl::{Seen, Site};
use super::tally::Tally;

/// The least size at which previews show a large image, in pixels.
const LEAST: (u32, u32) = (1_200, 630);

/// Fetches each image that pages name, once, and holds every page to the image it names.
pub(super) async fn shown(cx: &CheckContext, site: &Site, pages: &[Seen], tally: &mut Tally) -> Result<(), CheckError> {
    let mut known: BTreeMap<&str, Result<(), String>> = BTreeMap::new();
    for seen in pages {
        let address = seen.page.meta("og:image").unwrap_or_default();
        let verdict = match known.get(address) {
            Some(verdict) => verdict.clone(),
            None => {
                let verdict = match site.path_of(address) {
                    Some(path) => judge(&cx.client.get(AppId::A7, &path).send().await?),
                    None => Err(format!("{address:?}, which is not of this site")),
                };
                known.insert(address, verdict.clone());
                verdict
            }
        };
        tally.note("share_image", &seen.path, Some(&seen.reply), verdict);
    }
    Ok(())
}

fn judge(reply: &Reply) -> Result<(), String> {
    let path = reply.url().path();
    if reply.status != 200 {
        return Err(format!("{path} answers {}", reply.status));
    }
    let kind = reply.header("content-type").unwrap_or_default();
    if !kind.starts_with("image/png") {
        return Err(format!("{path} is {kind:?}"));
    }
    let Some((width, height)) = png_size(&reply.body) else { return Err(format!("{path} is no PNG")) };
    if width < LEAST.0 || height < LEAST.1 {
        return Err(format!("{path} is {width} × {height} pixels"));
    }
    Ok(())
}

/// Width and height in pixels from the header of a PNG (W3C PNG, 11.2.1).
fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")?;
    let number = |at: usize| Some(u32::from_be_bytes(header.get(at..at + 4)?.try_into().ok()?));
    Some((number(0)?, number(4)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_read_from_the_header() {
        let share = include_bytes!("../../../assets/share.png");
        assert_eq!(png_size(share), Some((1_200, 630)));
        assert_eq!(png_size(&share[..20]), None);
        assert_eq!(png_size(b"GIF89a"), None);
    }
}
