//! A certificate authority of our own, made for one test.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// An authority, and a server certificate signed by it.
pub(crate) struct Authority {
    /// Where its certificate lies, PEM.
    pub(crate) ca_file: PathBuf,
    /// What a server needs.
    pub(crate) acceptor: TlsAcceptor,
}

impl Authority {
    /// Makes one whose server is called `host`, and writes its certificate into `folder`.
    pub(crate) fn new(folder: &Path, host: &str) -> Self {
        let ca_key = KeyPair::generate().expect("a key");
        let mut ca = CertificateParams::new(Vec::new()).expect("no names");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_certificate = ca.self_signed(&ca_key).expect("a certificate");
        let ca_file = folder.join("ca.pem");
        std::fs::write(&ca_file, ca_certificate.pem()).expect("the folder is writable");

        let key = KeyPair::generate().expect("a key");
        let server = CertificateParams::new(vec![host.to_owned()]).expect("a name");
        let certificate = server.signed_by(&key, &Issuer::new(ca, ca_key)).expect("a certificate");
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("the key fits the certificate");
        Self { ca_file, acceptor: TlsAcceptor::from(Arc::new(config)) }
    }
}
