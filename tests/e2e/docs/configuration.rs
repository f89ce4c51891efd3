//! `maintctl.toml` as documented: maintctl reads each target.

use std::fs;

use super::{fences, markdown};
use crate::shipped::shipped;
use crate::support::desk::Desk;
use crate::support::signer::Signer;
use crate::support::tls::Tls;

#[tokio::test]
async fn maintctl_reads_every_configuration() {
    for fence in fences("toml maintctl") {
        let mut config: toml::Table = toml::from_str(&fence.text).unwrap();
        let desk = Desk::new(&Signer::generate(), "");
        let pem = Tls::new().client(&[]);
        let targets = config["target"].as_table_mut().unwrap();
        for target in targets.iter_mut().map(|(_, target)| target.as_table_mut().unwrap()) {
            for field in ["ca", "cert", "cert_key"] {
                target.get(field).iter().for_each(|file| desk.write(file.as_str().unwrap(), &pem));
            }
            if let (Some(file), Some(policy)) = (target.get("file"), target.get("policy")) {
                let file = desk.path().join(file.as_str().unwrap());
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, shipped("ecds.yaml")).unwrap();
                desk.write(policy.as_str().unwrap(), "sites: [{ name: shop }]");
            }
            // A port on which nothing listens, in place of a name that does not resolve here.
            for field in ["envoys", "admin"] {
                let urls = target.get_mut(field).and_then(toml::Value::as_array_mut).into_iter().flatten();
                for url in urls {
                    let (scheme, rest) = url.as_str().unwrap().split_once("://").unwrap();
                    let path = rest.split_once('/').map(|(_, path)| path).unwrap_or_default();
                    *url = format!("{scheme}://127.0.0.1:9/{path}").into();
                }
            }
        }
        let names: Vec<String> = config["target"].as_table().unwrap().keys().cloned().collect();
        desk.write("maintctl.toml", &toml::to_string(&config).unwrap());
        for name in names {
            let output = desk.run(&format!("status --timeout 2s --target {name}")).await;
            // 3: the configuration is good, and no Envoy answers.
            assert_eq!(output.code, 3, "{} {name}: {output:?}", fence.place);
        }
    }
}

#[tokio::test]
async fn the_reference_names_every_field_of_the_configuration() {
    let codes = markdown::file("docs/maintctl.md").codes();
    let desk = Desk::new(&Signer::generate(), "");
    for (config, prefix) in [("unknown = 1", ""), ("[target.one]\nunknown = 1", "target.NAME.")] {
        desk.write("maintctl.toml", config);
        let output = desk.run("status").await;
        // The error lists the known fields, each between backticks.
        let (_, known) = output.stderr.split_once("expected one of").unwrap_or_else(|| panic!("{output:?}"));
        for name in known.split('`').skip(1).step_by(2).filter(|name| *name != "target") {
            let field = format!("{prefix}{name}");
            assert!(codes.contains(&field), "docs/maintctl.md lacks `{field}`");
        }
    }
}
