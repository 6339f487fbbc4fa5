//! Stand-ins for the third parties that A5 talks to, so that a laptop without a network has a whole funnel: a payment
//! provider with Stripe's API, its hosted payment page and its webhooks, and a CRM with HubSpot's contacts.
//!
//! They live on A5's port and in A5's database file, and share nothing else with it: the rest of A5 speaks HTTP with
//! them, as it does with the real ones. They are there in the embedded ecosystem only, and each only as long as no
//! option names a real one.

mod api;
mod auth;
mod call;
mod cards;
mod catalogue;
mod crm;
mod delivery;
mod endpoints;
mod events;
mod form;
mod hosted;
mod money;
mod params;
mod payments;
mod refusal;
mod sessions;
mod state;
mod store;

use axum::Router;
use axum::response::Response;
use common::service::{Ctx, Unreported};

use state::StandIn;
pub(super) use store::TABLES;

/// The stand-ins that this deployment needs; without routes where it needs none.
pub(super) fn router(ctx: Ctx) -> Router {
    let options = &ctx.config.options;
    let is_embedded = ctx.config.env == "embedded";
    let (pays, keeps_contacts) = (!options.contains_key("stripe_base_url"), !options.contains_key("crm_base_url"));
    let mut router = Router::new();
    if is_embedded && pays {
        let app = StandIn::new(ctx.clone());
        delivery::start(&app);
        router = router.merge(api::router(app.clone())).merge(hosted::router(app));
    }
    if is_embedded && keeps_contacts {
        router = router.merge(crm::router(ctx));
    }
    router.layer(axum::middleware::map_response(unreported))
}

/// What a third party answers is not among A5's figures.
async fn unreported(mut response: Response) -> Response {
    response.extensions_mut().insert(Unreported);
    response
}
