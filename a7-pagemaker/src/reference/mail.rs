//! The e-mail provider: a real one at the option `email_base_url`, else a stand-in that takes a real one's time.

use std::time::Duration;

use common::contract::header;
use common::ids::TraceParent;
use common::service::{Ctx, RequestContext};
use serde_json::json;
use url::Url;

/// Share of calls and the time within which they are answered, in milliseconds; between the points, linear. Median
/// 165 ms, P95 about 299 ms, as of a transactional e-mail API over the open internet.
const DELAY_MS: [(f64, f64); 5] = [(0.0, 120.0), (0.5, 165.0), (0.9, 260.0), (0.99, 330.0), (1.0, 350.0)];
/// How long a real provider may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Sends e-mails.
#[derive(Debug, Clone)]
pub(crate) struct Mailer {
    client: reqwest::Client,
    to: Option<Url>,
}

impl Mailer {
    pub(crate) fn new(ctx: &Ctx) -> Self {
        let to = ctx.config.options.get("email_base_url").and_then(|base| {
            let url = Url::parse(base).and_then(|base| base.join("messages"));
            url.inspect_err(|error| tracing::error!(%error, "`email_base_url` is no URL: e-mails go to the stand-in"))
                .ok()
        });
        Self { client: ctx.upstream.client().clone(), to }
    }

    /// Sends the welcome e-mail of a lead. The lead's id makes a repeat recognisable to the provider.
    pub(crate) async fn welcome(&self, context: &RequestContext, lead: &str, address: &str) -> Result<(), String> {
        let Some(url) = &self.to else {
            tokio::time::sleep(delay(share())).await;
            return Ok(());
        };
        let request =
            self.client.post(url.clone()).timeout(TIMEOUT).json(&json!({ "template": "welcome", "to": address }));
        let request = request
            .header(header::TRACEPARENT, TraceParent::of(context.trace.trace).to_string())
            .header(header::IDEMPOTENCY_KEY, lead);
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("the e-mail provider answered {}", answer.status())),
            Err(error) => Err(error.without_url().to_string()),
        }
    }
}

/// A number drawn evenly from 0 to 1.
fn share() -> f64 {
    let [a, b, c, d, ..] = *uuid::Uuid::new_v4().as_bytes();
    f64::from(u32::from_be_bytes([a, b, c, d])) / f64::from(u32::MAX)
}

/// The delay that this share of calls stays within.
fn delay(share: f64) -> Duration {
    let piece = DELAY_MS.windows(2).find(|pair| share <= pair[1].0);
    let ms = piece.map_or(DELAY_MS[4].1, |pair| {
        let ((from, low), (to, high)) = (pair[0], pair[1]);
        low + (share - from) / (to - from) * (high - low)
    });
    Duration::from_secs_f64(ms / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stand_in_takes_120_to_350_ms_and_165_in_the_middle() {
        assert_eq!(delay(0.0), Duration::from_millis(120));
        assert_eq!(delay(0.5), Duration::from_millis(165));
        assert_eq!(delay(1.0), Duration::from_millis(350));
        assert!((0..100).all(|_| (0.0..=1.0).contains(&share())));
    }
}
