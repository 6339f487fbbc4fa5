//! What is asserted about A4.

mod coaching;
mod completion;
mod integrity;
mod stream;

use common::check::{Check, CheckContext, CheckError, Findings};

/// All checks.
pub(crate) fn all() -> Vec<Check> {
    vec![
        Check::new("a4.conformance", "every route of the contract answers as promised", |cx| Box::pin(conforms(cx))),
        Check::new("a4.completion", "a completion has the shape and the sums of OpenAI's API", |cx| {
            Box::pin(completion::shape(cx))
        }),
        Check::new("a4.errors", "mistakes are told in both forms, as a problem and as OpenAI's `error`", |cx| {
            Box::pin(completion::errors(cx))
        }),
        Check::new("a4.steady", "fifteen at once, twice, all get an answer", |cx| Box::pin(completion::steady(cx))),
        Check::new("a4.stream", "a stream ends in `[DONE]` and its usage is what was sent", |cx| {
            Box::pin(stream::counted(cx))
        }),
        Check::new("a4.integrity", "who asks for the essay gets coaching, who asks for help gets help", |cx| {
            Box::pin(integrity::policy(cx))
        })
        .phase(6),
        Check::new("a4.documents", "a document is read and its outcome told", |cx| Box::pin(completion::documents(cx))),
        Check::new(
            "a4.security_headers",
            "no answer lacks a header that protects browsers, or tells of the inside",
            |cx| Box::pin(async move { common::check::security_headers(&cx, &crate::contract()).await }),
        )
        .phase(6),
        Check::new("a4.keys_wanted", "routes that want a key take no other, and repeat none", |cx| {
            Box::pin(async move { common::check::keys_wanted(&cx, &crate::contract()).await })
        })
        .phase(6),
    ]
}

async fn conforms(cx: CheckContext) -> Result<Findings, CheckError> {
    common::check::conformance(&cx, &crate::contract()).await
}
