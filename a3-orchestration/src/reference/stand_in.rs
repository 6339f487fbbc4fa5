//! Stand-ins for the parties outside the eight that A3 talks to, so that a laptop without a network has both: an e-mail
//! provider with Resend's API, and a communications center.
//!
//! They live on A3's port and in A3's database file, and share nothing else with it: the rest of A3 speaks HTTP with
//! them, as it would with the real ones. They are there in the embedded ecosystem only, and each only as long as no
//! option names a real one.

mod center;
mod email;
mod kept;

use axum::Router;
use axum::response::Response;
use common::service::{Ctx, Unreported};

use super::party::Party;

/// The stand-ins that this deployment needs; without routes where it needs none.
pub(super) fn router(ctx: Ctx) -> Router {
    let is_embedded = ctx.config.env == "embedded";
    let stands = |party: Party| {
        is_embedded && party.base_option().is_some_and(|option| !ctx.config.options.contains_key(option))
    };
    let mut router = Router::new();
    if stands(Party::Email) {
        router = router.merge(email::router(ctx.clone()));
    }
    if stands(Party::AutoComCenter) {
        router = router.merge(center::router(ctx));
    }
    router.layer(axum::middleware::map_response(unreported))
}

/// What a third party answers is not among A3's figures.
async fn unreported(mut response: Response) -> Response {
    response.extensions_mut().insert(Unreported);
    response
}
