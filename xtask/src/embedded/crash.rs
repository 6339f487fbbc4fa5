//! Crashes on purpose: an app is killed where it stands, and started again on its port and data.

use std::time::Duration;

use common::ids::AppId;

use super::{AppChild, Embedded, EmbeddedError, Waiting};

/// How often a port that is not free yet is tried again, and how long after each time.
const PORT: (u32, Duration) = (20, Duration::from_millis(100));

impl Embedded {
    /// Ends an app by SIGKILL, whatever it is doing, and waits until it is gone. It is not among the [`Embedded::deaths`].
    pub(crate) async fn kill(&mut self, app: AppId) -> Result<(), EmbeddedError> {
        let child = self.child(app)?;
        if child.kill.take().is_some() {
            drop((&mut child.gone).await);
        }
        child.stdin = None;
        Ok(())
    }

    /// Starts a killed app again: same port, same data, same wiring. One that still runs is killed before.
    pub(crate) async fn restart(&mut self, app: AppId) -> Result<(), EmbeddedError> {
        self.kill(app).await?;
        let (config, wiring) = {
            let child = self.child(app)?;
            (child.config.clone(), child.wiring.clone())
        };
        let mut tries = 0;
        let waiting = loop {
            match Waiting::spawn(config.clone(), &self.logs).await {
                Err(EmbeddedError::Refused(_)) if tries < PORT.0 => tries += 1,
                other => break other?,
            }
            tokio::time::sleep(PORT.1).await;
        };
        let again = waiting.go(wiring, &self.deaths).await?;
        *self.child(app)? = again;
        Ok(())
    }

    fn child(&mut self, app: AppId) -> Result<&mut AppChild, EmbeddedError> {
        let found = self.children.iter_mut().find(|child| child.app == app);
        found.ok_or_else(|| EmbeddedError::Refused(format!("{app} is not among the embedded apps that were started")))
    }
}
