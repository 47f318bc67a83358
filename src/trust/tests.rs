use base64::Engine as _;
use rcgen::{CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};

use super::*;

/// 2026-01-01.
const NOW: i64 = 1_767_225_600;

/// A root of this name, valid from the first to the second year's beginning.
fn root_with(name: &str, key: &KeyPair, years: (i32, i32)) -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    params.self_signed(key).unwrap().pem()
}

fn root(name: &str, years: (i32, i32)) -> String {
    root_with(name, &KeyPair::generate().unwrap(), years)
}

fn good() -> String {
    root("good", (2020, 2040))
}

fn expired() -> String {
    root("old", (2010, 2020))
}

fn read(pem: impl AsRef<[u8]>) -> Result<TrustBundle, TrustError> {
    TrustBundle::read(pem.as_ref(), NOW)
}

#[test]
fn what_is_broken_or_no_certificate_is_refused_whole() {
    let good = good();
    let key = KeyPair::generate().unwrap().serialize_pem();
    let relabelled = |label: &str| format!("{good}{}", good.replace("CERTIFICATE", label));
    let foreign = |label: &str| TrustError::Foreign { block: 2, label: label.into() };
    let unreadable = TrustError::Unreadable { block: 2 };
    let lines: Vec<_> = good.lines().collect();
    let without = |at: usize| {
        let kept: Vec<_> =
            lines.iter().enumerate().filter(|(line, _)| *line != at).map(|(_, line)| *line).collect();
        format!("{good}{}\n", kept.join("\n"))
    };
    let rows = [
        (String::new(), TrustError::NoCertificate),
        ("no certificate here\n".into(), TrustError::NoCertificate),
        (format!("{good}{key}"), TrustError::PrivateKey { block: 2 }),
        (relabelled("RSA PRIVATE KEY"), TrustError::PrivateKey { block: 2 }),
        (relabelled("ENCRYPTED PRIVATE KEY"), TrustError::PrivateKey { block: 2 }),
        (relabelled("TRUSTED CERTIFICATE"), foreign("TRUSTED CERTIFICATE")),
        (relabelled("X509 CERTIFICATE"), foreign("X509 CERTIFICATE")),
        (relabelled("PKCS7"), foreign("PKCS7")),
        (relabelled("CERTIFICATE REQUEST"), foreign("CERTIFICATE REQUEST")),
        (without(1), unreadable.clone()),
        (without(0), TrustError::Damaged),
        (without(lines.len() - 1), unreadable.clone()),
        (format!("{good}{}", good.replace("-----BEGIN", "  -----BEGIN")), TrustError::Damaged),
        (format!("{good}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), unreadable.clone()),
        (format!("{good}-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"), unreadable),
        (" ".repeat(MAX_BYTES + 1), TrustError::TooLarge(MAX_BYTES + 1)),
    ];
    for (pem, want) in rows {
        assert_eq!(read(&pem), Err(want), "{pem}");
    }
    assert!(read([good.as_bytes(), b"-----BEGIN CERTIFICATE-----\n\xff\n"].concat()).is_err());
}

#[test]
fn bytes_behind_a_certificate_make_its_block_unreadable() {
    let mut der = read(good()).unwrap().roots.pop_first().unwrap().der().to_vec();
    der.push(0);
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    assert_eq!(read(pem), Err(TrustError::Unreadable { block: 1 }));
}

#[test]
fn text_blank_lines_and_crlf_between_certificates_are_fine() {
    let (one, two) = (good(), root("two", (2020, 2040)));
    let both = read(format!("{one}{two}")).unwrap();
    assert_eq!(both.roots.len(), 2);
    assert_eq!(read(format!("# the first\n{one}\n\n subject: CN=two\n{two}\n# end")).unwrap(), both);
    assert_eq!(read(format!("{one}{two}").replace('\n', "\r\n")).unwrap(), both);
}

#[test]
fn an_expired_one_among_good_ones_is_reported_and_left_out() {
    let good = good();
    for pem in [format!("{good}{}", expired()), format!("{}{good}", expired())] {
        let bundle = read(&pem).unwrap();
        assert_eq!(bundle.roots, read(&good).unwrap().roots);
        assert_eq!(bundle.notes.len(), 1);
        assert!(bundle.notes[0].starts_with("`CN=old` expired on"), "{:?}", bundle.notes);
    }
}

#[test]
fn a_bundle_in_which_nothing_is_valid_is_refused_as_such() {
    let refused = |pem: String| match read(pem) {
        Err(TrustError::NoneValid(notes)) => notes,
        other => panic!("{other:?}"),
    };
    assert!(refused(expired())[0].contains("expired"));
    assert!(refused(root("new", (2030, 2040)))[0].contains("not valid before"));
    assert_eq!(refused(expired() + &expired()).len(), 1, "one sentence for two alike");
}

#[test]
fn an_expired_predecessor_with_the_same_name_and_key_does_no_harm() {
    let key = KeyPair::generate().unwrap();
    let (old, new) = (root_with("ca", &key, (2010, 2020)), root_with("ca", &key, (2019, 2040)));
    let bundle = read(format!("{old}{new}")).unwrap();
    assert_eq!(bundle.roots, read(&new).unwrap().roots);
}

#[test]
fn the_same_certificate_twice_counts_once() {
    let good = good();
    assert_eq!(read(format!("{good}{good}")), read(&good));
}

#[test]
fn one_that_ends_within_thirty_days_counts_and_is_reported() {
    let pem = root("soon", (2020, 2027));
    let end = 1_798_761_600;
    let month = 30 * 24 * 3600;
    let at = |now| TrustBundle::read(pem.as_bytes(), now).map(|bundle| bundle.notes.len());
    assert_eq!(at(end - month), Ok(0));
    assert_eq!(at(end - month + 1), Ok(1));
    assert_eq!(at(end), Ok(1));
    assert!(at(end + 1).is_err());
}
