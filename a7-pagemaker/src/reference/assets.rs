//! Files of the site itself; nothing comes from elsewhere.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use common::service::{Path, Problem};

/// `GET /assets/{name}`.
pub(crate) async fn serve(Path(name): Path<String>) -> Result<Response, Problem> {
    let (kind, bytes): (&str, &'static [u8]) = match name.as_str() {
        "site.css" => ("text/css; charset=utf-8", include_bytes!("../../assets/site.css")),
        "site.js" => ("text/javascript; charset=utf-8", include_bytes!("../../assets/site.js")),
        "share.png" => ("image/png", include_bytes!("../../assets/share.png")),
        "icon.svg" => ("image/svg+xml", include_bytes!("../../assets/icon.svg")),
        _ => return Err(Problem::not_found(format!("there is no asset {name:?}"))),
    };
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=86400")], bytes).into_response())
}
