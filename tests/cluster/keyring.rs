//! The merged file as the kubelet itself reads it: for every image the login that is meant, to the byte.

use faas_iam::registry::{Login, Registry, merge};

use crate::support::{Result, keyring::tried};

/// The merged file of these logins, each of a registry's address, a user and a password.
fn file<'l>(logins: impl IntoIterator<Item = (&'l str, &'l str, &'l str)>) -> Vec<u8> {
    let login =
        |(address, user, password)| (Registry::parse(address).unwrap(), Login::new(user, password).unwrap());
    let logins: Vec<_> = logins.into_iter().map(login).collect();
    let merged = merge(logins.iter().map(|(registry, login)| (registry, login)));
    assert_eq!(merged.left_out, []);
    merged.file.to_vec()
}

#[test]
fn the_kubelet_tries_for_every_image_the_login_that_is_meant() -> Result<()> {
    let file = file([
        ("registry.hub.docker.com", "hub", "-"),
        ("https://GHCR.io/v2/", "github", "-"),
        ("quay.io", "quay", "-"),
        ("quay.io/team", "team", "-"),
        ("quay.io/team/app", "app", "-"),
        ("reg.example.com:5000", "port", "-"),
        ("reg.example.com", "no port", "-"),
        ("10.0.0.1:5000/v1/", "address", "-"),
        ("localhost:5000", "local", "-"),
        ("*.azurecr.io", "any of azure", "-"),
        ("one.azurecr.io", "one of azure", "-"),
    ]);
    let rows: &[(&str, &[&str])] = &[
        ("nginx", &["hub"]),
        ("nginx:1.29", &["hub"]),
        ("library/nginx", &["hub"]),
        ("team/app@sha256:0000000000000000000000000000000000000000000000000000000000000000", &["hub"]),
        ("docker.io/team/app", &["hub"]),
        ("index.docker.io/team/app:1", &["hub"]),
        ("ghcr.io/team/app", &["github"]),
        ("ghcr.io.example.com/team/app", &[]),
        // From the most to the least particular, until one serves.
        ("quay.io/other", &["quay"]),
        ("quay.io/team/other", &["team", "quay"]),
        ("quay.io/team/app:1", &["app", "team", "quay"]),
        // It compares letters and not parts of a path.
        ("quay.io/team-b/app", &["team", "quay"]),
        ("reg.example.com:5000/app", &["port"]),
        ("reg.example.com/app", &["no port"]),
        ("reg.example.com:443/app", &[]),
        ("10.0.0.1:5000/app", &["address"]),
        ("localhost:5000/app", &["local"]),
        ("one.azurecr.io/app", &["one of azure", "any of azure"]),
        ("two.azurecr.io/app", &["any of azure"]),
        ("a.two.azurecr.io/app", &[]),
        // In the name of an image it knows Docker Hub by `docker.io` and `index.docker.io` alone, and hosts by their letters
        // as they are.
        ("registry-1.docker.io/team/app", &[]),
        ("registry.hub.docker.com/team/app", &[]),
        ("QUAY.io/team/app", &[]),
    ];
    let images: Vec<_> = rows.iter().map(|(image, _)| *image).collect();
    for ((image, want), got) in rows.iter().zip(tried(&file, &images)?) {
        let users: Vec<_> = got.iter().map(|(user, _)| user.as_str()).collect();
        assert_eq!(users, *want, "{image}");
    }
    Ok(())
}

#[test]
fn the_kubelet_tries_for_an_image_of_docker_hub_a_pattern_over_its_name_and_not_its_own_login() -> Result<()>
{
    let logins = [("docker.io", "hub", "-"), ("*.io", "any", "-")];
    for (logins, want) in [(&logins[..1], "hub"), (&logins[..], "any")] {
        let tried = tried(&file(logins.iter().copied()), &["docker.io/team/app"])?;
        assert_eq!(tried, [[(want.to_owned(), "-".to_owned())]], "{logins:?}");
    }
    Ok(())
}

#[test]
fn the_kubelet_tells_two_hundred_registries_apart() -> Result<()> {
    let forms = ["r{}.example.com", "r.example.com:{}", "r.example.com/team-{}/app", "10.0.0.{}"];
    let hosts: Vec<String> =
        (1..=200).map(|n: usize| forms[n % forms.len()].replace("{}", &n.to_string())).collect();
    let users: Vec<String> = (1..=200).map(|n| format!("robot${n}+pull")).collect();
    let logins = hosts.iter().zip(&users).map(|(host, user)| (host.as_str(), user.as_str(), user.as_str()));
    let images: Vec<String> = hosts.iter().map(|host| format!("{host}/image:1")).collect();
    let images: Vec<&str> = images.iter().map(String::as_str).collect();
    let tried = tried(&file(logins), &images)?;
    for ((image, user), tried) in images.iter().zip(&users).zip(tried) {
        assert_eq!(tried.first(), Some(&(user.clone(), user.clone())), "{image}");
    }
    Ok(())
}

#[test]
fn the_kubelet_reads_users_and_passwords_to_the_byte() -> Result<()> {
    let printable: String = (' '..='~').collect();
    let key = "{\n  \"private_key\": \"-----BEGIN PRIVATE KEY-----\\nMII/+=\\n\",\r\n\t\"<>&\u{2028}\": \"\u{e9}\u{1f511}\"\n}\n";
    let rows = [
        ("a.io", "robot$team+pull", printable.as_str()),
        ("b.io", "_json_key", key),
        ("c.io", "user@example.com", ":"),
        ("d.io", "\u{fc}ser", "\u{7f}\u{1}"),
    ];
    let images = ["a.io/x", "b.io/x", "c.io/x", "d.io/x"];
    for ((_, user, password), got) in rows.iter().zip(tried(&file(rows), &images)?) {
        assert_eq!(got, [((*user).to_owned(), (*password).to_owned())]);
    }
    Ok(())
}
