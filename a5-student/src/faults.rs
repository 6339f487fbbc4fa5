//! How A5 can be broken, and which check must notice.

mod wire;

use common::service::Defect;
use common::suite::Fault;

/// The catalogue.
pub(crate) fn all() -> Vec<Fault> {
    [any_app(), own(), wire::all()].concat()
}

fn own() -> Vec<Fault> {
    vec![
        Fault::defect(
            "a5.session_never_sticks",
            "signs in and forgets it at once",
            Defect::A5SessionNeverSticks,
            "a5.signup_lands",
        ),
        Fault::defect(
            "a5.plan_button_dead",
            "plan buttons lead back to the plans",
            Defect::A5PlanButtonDead,
            "a5.plan_buttons",
        ),
        Fault::defect(
            "a5.webhook_secret_wrong",
            "believes no webhook, so that what is paid is never credited",
            Defect::A5WebhookSecretWrong,
            "a5.webhook_accepted",
        ),
        Fault::defect(
            "a5.webhook_replay_credits",
            "a webhook that comes again credits again",
            Defect::A5WebhookReplayCredits,
            "a5.replayed_webhook_credits_once",
        ),
        Fault::defect(
            "a5.no_credit_decrement",
            "spends a credit and tells nobody",
            Defect::A5NoCreditDecrement,
            "a5.guided_action",
        ),
    ]
}

fn any_app() -> Vec<Fault> {
    vec![
        Fault::defect("a5.trace_lost", "answers name another trace", Defect::TraceNotEchoed, "a5.pages"),
        Fault::defect(
            "a5.login_page_for_all",
            "every page is a login page",
            Defect::LoginPageInsteadOfJson,
            "a5.pages",
        ),
        Fault::defect(
            "a5.dashboard_for_anybody",
            "the dashboard answers 200 to anybody",
            Defect::LoginPageInsteadOfJson,
            "a5.dashboard_refuses",
        ),
        Fault::defect(
            "a5.source_forgotten",
            "the landing page forgets where a visitor came from",
            Defect::LoginPageInsteadOfJson,
            "a5.attribution",
        ),
        Fault::defect("a5.tenth_fails", "fails on every tenth request", Defect::TenthRequestFails, "a5.conformance"),
        Fault::defect(
            "a5.fails_while_paying",
            "fails on every tenth request, some of them of a payment",
            Defect::TenthRequestFails,
            "a5.micro_checkout",
        ),
        Fault::defect(
            "a5.headers_missing",
            "answers lack the headers that protect browsers",
            Defect::SecurityHeadersMissing,
            "a5.security_headers",
        ),
        Fault::defect("a5.keys_unchecked", "takes any key, or none", Defect::KeysUnchecked, "a5.keys_wanted"),
    ]
}
