//! Which certificates are believed: the machine's, and those of the environment's own authority.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;
use tokio_rustls::TlsConnector;

use crate::target::Environment;
use crate::target::HttpVersion;

/// The trust of one environment, ready to shake hands with.
#[derive(Clone)]
pub(crate) struct Trust {
    http1: TlsConnector,
    http2: TlsConnector,
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trust")
    }
}

/// Why no certificate can be checked.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file of the extra root certificate cannot be used.
    #[error("root certificate {}: {why}; correct `tls.ca_file` in the target file", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The machine's roots cannot be used.
    #[error("TLS cannot be set up: {0}; install `ca-certificates` or name a `tls.ca_file` in the target file")]
    Roots(rustls::Error),
}

impl Trust {
    /// Reads the roots of an environment; `None` if none of its apps is reached over TLS.
    pub(crate) fn of(environment: &Environment) -> Result<Option<Self>, TrustError> {
        if environment.apps().values().all(|url| url.scheme() != "https") {
            return Ok(None);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = match &environment.tls().ca_file {
            None => Verifier::new(Arc::clone(&provider)),
            Some(path) => {
                let broken = |why: String| TrustError::CaFile { path: path.clone(), why };
                let own = CertificateDer::pem_file_iter(path).map_err(|error| broken(error.to_string()))?;
                let own = own.collect::<Result<Vec<_>, _>>().map_err(|error| broken(error.to_string()))?;
                if own.is_empty() {
                    return Err(broken("it has no certificate in PEM form".to_owned()));
                }
                Verifier::new_with_extra_roots(own, Arc::clone(&provider))
            }
        };
        let verifier = Arc::new(verifier.map_err(TrustError::Roots)?);
        let connector = |protocol: &[u8]| {
            let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
            let builder = builder.with_safe_default_protocol_versions().map_err(TrustError::Roots)?;
            let builder = builder.dangerous().with_custom_certificate_verifier(Arc::clone(&verifier) as _);
            let mut config = builder.with_no_client_auth();
            config.alpn_protocols = vec![protocol.to_vec()];
            Ok(TlsConnector::from(Arc::new(config)))
        };
        Ok(Some(Self { http1: connector(b"http/1.1")?, http2: connector(b"h2")? }))
    }

    pub(crate) fn connector(&self, version: HttpVersion) -> &TlsConnector {
        match version {
            HttpVersion::Http1 => &self.http1,
            HttpVersion::Http2 => &self.http2,
        }
    }
}
