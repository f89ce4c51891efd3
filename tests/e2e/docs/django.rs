//! docs/coming-from-django.md: the commands of the packages, and what maintctl answers.

use serde_json::json;

use super::transcript::{self, Normalizer};
use crate::support::app::App;
use crate::support::desk::{Desk, FLEET};
use crate::support::envoy::Envoy;
use crate::support::shop;
use crate::support::signer::Signer;

#[tokio::test]
async fn the_answers_to_commands_of_django_are_as_documented() {
    let (app, signer) = (App::start(), Signer::generate());
    let policy = json!({ "fleet": FLEET, "sites": [{ "name": "www" }], "keys": [signer.entry("oncall")] });
    let builder = Envoy::builder(app.address()).policy(&policy).control(&shop::control(&signer));
    let envoy = builder.watched_file().start().await;
    envoy.wait_for_workers("www").await;
    let endpoint = envoy.endpoint();
    let target = format!("file = {:?}\npolicy = \"policy.yaml\"\nenvoys = [{endpoint:?}]", envoy.ecds_file());
    let desk = Desk::new(&signer, &target);
    desk.write("policy.yaml", &policy.to_string());
    let mut shown = String::new();
    for line in ["maintctl offline on", "maintctl setmaintenance on www", "maintctl maintenance_mode off"] {
        let output = transcript::shell(desk.path(), line).output().await.unwrap();
        shown += &transcript::command(line, &output.into());
    }
    transcript::assert_documented("docs/coming-from-django.md", &[Normalizer::default().normalize(&shown)]);
}
