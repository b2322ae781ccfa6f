//! The real SDKs, driven through both doors: what one records, all the others replay.

mod support;

use std::path::Path;

use support::clients::{self, Client, Told};
use support::upstream::{ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, Upstream, well_behaved};

#[test]
fn the_upstream_takes_every_client_s_own_signature_and_no_other() {
    if !clients::are_here() {
        return;
    }
    let folder = support::folder();
    let mut outputs: Option<Vec<Told>> = None;
    for client in Client::ALL {
        let (upstream, root) = Upstream::tls(folder.path(), well_behaved);
        let good = direct(client, folder.path(), &upstream, &root, SECRET_ACCESS_KEY);
        assert!(
            good.iter().all(|told| told.output.is_some() && told.attempts == 1),
            "{client:?}: {good:?}"
        );
        assert_eq!(
            &good,
            outputs.get_or_insert_with(|| good.clone()),
            "{client:?} tells the same as the others"
        );
        let wrong = direct(client, folder.path(), &upstream, &root, &SECRET_ACCESS_KEY.replace('w', "x"));
        assert!(
            wrong
                .iter()
                .all(|told| told.error.as_ref().is_some_and(|error| error.code == "InvalidSignatureException")),
            "{client:?}: {wrong:?}"
        );
    }
}

/// Calls the upstream without anything between.
fn direct(client: Client, folder: &Path, upstream: &Upstream, root: &Path, secret: &str) -> Vec<Told> {
    let command = client.command(&["proton:good", "catalog:good"]);
    let mut process = clients::clean(Path::new(&command[0]), folder);
    process.args(&command[1..]).env("AWS_ENDPOINT_URL", &upstream.url);
    for name in ["AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"] {
        process.env(name, root);
    }
    process.env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID).env("AWS_SECRET_ACCESS_KEY", secret);
    process.env("AWS_REGION", REGION).env("AWS_DEFAULT_REGION", REGION);
    process.env("FERROTAPE_CALLS", clients::source("calls.json"));
    let done = process.output().expect("the client starts");
    assert!(done.status.success(), "{client:?}: {}", String::from_utf8_lossy(&done.stderr));
    clients::told(&String::from_utf8_lossy(&done.stdout))
}
