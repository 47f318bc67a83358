//! Certificates and keys made on the spot, good for the length of a test and trusted by nobody else.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, Error,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd,
};

type Result<T> = std::result::Result<T, Error>;

/// A certificate and its private key, both PEM.
pub struct Identity {
    /// The certificate alone; whoever needs the authority asks for it.
    pub certificate: String,
    /// PKCS#8.
    pub key: String,
}

/// A certificate authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// A new root with the common name `name`.
    ///
    /// # Errors
    /// When the crypto library fails.
    pub fn new(name: &str) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name = subject(name, None);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    /// The root certificate, PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server's certificate for DNS names and IP addresses.
    ///
    /// # Errors
    /// When a name is not one, or the crypto library fails.
    pub fn server(&self, names: &[&str]) -> Result<Identity> {
        self.sign(params(names)?, subject("server", None), ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// The same, valid from 2020 until the end of a year.
    ///
    /// # Errors
    /// When a name is not one, or the crypto library fails.
    pub fn server_until(&self, names: &[&str], year: i32) -> Result<Identity> {
        let mut params = params(names)?;
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 12, 31);
        self.sign(params, subject("server", None), ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A client's certificate, as Kubernetes reads it: the user's name and one group.
    ///
    /// # Errors
    /// When the crypto library fails.
    pub fn client(&self, user: &str, group: Option<&str>) -> Result<Identity> {
        self.sign(CertificateParams::default(), subject(user, group), ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        name: DistinguishedName,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<Identity> {
        params.distinguished_name = name;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.0)?;
        Ok(Identity { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

/// The kind of the keys that sign service-account tokens: most real clusters have RSA.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenKeys {
    /// P-256; tokens are ES256.
    #[default]
    Ec,
    /// 2048 bits; tokens are RS256.
    Rsa,
}

impl TokenKeys {
    /// A new private key (PKCS#8) and its public half, both PEM.
    ///
    /// # Errors
    /// When the crypto library fails.
    pub fn generate(self) -> Result<(String, String)> {
        let key = match self {
            Self::Ec => KeyPair::generate()?,
            Self::Rsa => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?,
        };
        Ok((key.serialize_pem(), key.public_key_pem()))
    }
}

fn params(names: &[&str]) -> Result<CertificateParams> {
    CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
}

fn subject(name: &str, group: Option<&str>) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    if let Some(group) = group {
        subject.push(DnType::OrganizationName, group);
    }
    subject
}
