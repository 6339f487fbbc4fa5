//! Background work of an app: started by name, told to stop together, joined before the app ends.

use std::future::Future;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The workers of one app.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    closing: CancellationToken,
}

impl Tasks {
    /// Starts a worker. It should end soon after the token is cancelled.
    pub fn spawn<F, W>(&self, worker: W)
    where
        W: FnOnce(CancellationToken) -> F,
        F: Future<Output = ()> + Send + 'static,
    {
        self.tracker.spawn(worker(self.stop.clone()));
    }

    /// The token that is cancelled when the app stops.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// The token that is cancelled as soon as the app is told to stop: answers without an end, as event streams, end
    /// then, while workers go on until all requests are answered.
    #[must_use]
    pub fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }

    /// Tells all workers to stop and waits for them.
    pub async fn stop(&self) {
        self.closing.cancel();
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}
