use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use envoy_maintenance::compiled::CompiledConfig;
use envoy_maintenance::state::Mode;
use envoy_maintenance::time::Time;
use envoy_maintenance::tree::Tree;
use serde_json::Value;

use super::*;
use crate::document::draft::Draft;
use crate::write::file::ecds::PolicyFile;

const WHOLE: &str = r#"{"resources": [{"name": "maintenance", "typed_config": {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "config": {"configuration": {
    "@type": "type.googleapis.com/google.protobuf.Struct",
    "value": {"fleet": "demo", "sites": [{"name": "shop", "hosts": ["shop"]}, {"name": "api"}], "state": {"api": {"mode": "offline"}}}
}}}}]}"#;

fn target(folder: &Path) -> (Target, FileTarget) {
    let writer = FileTarget { file: folder.join("out.yaml"), policy: folder.join("policy.yaml") };
    fs::write(&writer.policy, WHOLE).unwrap();
    let config = "[target.a]\nfile = \"out.yaml\"\npolicy = \"policy.yaml\"\n";
    let path = folder.join("maintctl.toml");
    fs::write(&path, config).unwrap();
    let global = crate::args::common::Global { config: Some(path), target: None };
    (Target::load(&global).unwrap(), writer)
}

fn change(target: &Target, writer: &FileTarget, site: &str, edit: &Edit<'_>) -> Result<ChangeReport> {
    let deadline = Instant::now() + Duration::from_secs(10);
    let options = ChangeOptions { by: "me".to_owned(), wait: false, deadline, dry_run: false, yes: false };
    apply(target, writer, &SiteSelection::of(vec![site.to_owned()]), edit, &options)
}

fn close(target: &Target, writer: &FileTarget, site: &str) -> Result<ChangeReport> {
    change(target, writer, site, &|draft, _, _| {
        draft.set("mode", Some(Mode::Offline.name()));
        Ok(())
    })
}

fn brought(writer: &FileTarget) -> Vec<String> {
    Contents::read(writer).next().unwrap().brought.iter().map(ToString::to_string).collect()
}

#[test]
fn a_change_is_added_to_the_operators_policy() {
    let folder = tempfile::tempdir().unwrap();
    let (target, writer) = target(folder.path());
    close(&target, &writer, "shop").unwrap();
    let written = PolicyFile::parse("f", &fs::read_to_string(&writer.file).unwrap()).unwrap();
    let policy = CompiledConfig::from_tree(&written.policy).unwrap().policy;
    let modes: Vec<Mode> = policy.sites.iter().map(|site| site.declared.as_ref().unwrap().mode).collect();
    assert_eq!(modes, [Mode::Offline, Mode::Offline]);
    assert_eq!(fs::read_to_string(&writer.policy).unwrap(), WHOLE, "the operator's policy is never edited");
}

#[test]
fn a_policy_of_another_fleet_is_an_error_that_names_both() {
    for (fleet, problem) in [("", "it has no `fleet`"), (r#""fleet": "other", "#, r#"its `fleet` is "other""#)] {
        let folder = tempfile::tempdir().unwrap();
        let (_, writer) = target(folder.path());
        fs::write(&writer.policy, WHOLE.replace(r#""fleet": "demo", "#, fleet)).unwrap();
        let path = folder.path().join("maintctl.toml");
        let config = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("fleet = \"demo\"\n{config}")).unwrap();
        let global = crate::args::common::Global { config: Some(path), target: None };
        let error = close(&Target::load(&global).unwrap(), &writer, "shop").unwrap_err().to_string();
        assert!(error.contains(problem) && error.contains("set `fleet: demo` in the policy"), "{error}");
        assert!(!writer.file.exists(), "{problem}");
    }
}

#[test]
fn sites_that_the_operator_declares_are_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let (target, writer) = target(folder.path());
    let error = close(&target, &writer, "api").unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(ExitError::Rejected(_))), "{error}");
    // The file comes into existence nevertheless.
    assert_eq!(Contents::read(&writer).document("api").unwrap().read().unwrap().mode, Mode::Offline);
    assert!(Contents::read(&writer).is_pinned("api"));
}

#[test]
fn concurrent_changes_are_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (target, writer) = target(folder.path());
    let sites: Vec<String> = (0..8).map(|number| format!("s{number}")).collect();
    let named: Vec<Value> = sites.iter().map(|site| serde_json::json!({ "name": site, "hosts": [site] })).collect();
    let policy = serde_json::json!({ "fleet": "demo", "sites": named });
    let whole =
        PolicyFile::parse("f", WHOLE).unwrap().with_policy(Tree::from_json(policy.to_string().as_bytes()).unwrap());
    fs::write(&writer.policy, whole.to_ecds().unwrap().to_string()).unwrap();
    thread::scope(|scope| {
        for site in &sites {
            scope.spawn(|| close(&target, &writer, site).unwrap());
        }
    });
    assert_eq!(Contents::read(&writer).next().unwrap().own_documents().sites().count(), sites.len());
}

#[test]
fn an_edit_of_the_policy_is_detected_and_a_change_of_state_is_not_one() {
    let folder = tempfile::tempdir().unwrap();
    let (target, writer) = target(folder.path());
    assert_eq!(brought(&writer), [format!("{} created", writer.file.display())]);
    close(&target, &writer, "shop").unwrap();
    assert_eq!(brought(&writer), Vec::<String>::new());
    fs::write(&writer.policy, WHOLE.replace("\"hosts\": [\"shop\"]", "\"hosts\": [\"shop\", \"www\"]")).unwrap();
    assert_eq!(brought(&writer), ["changed fields: sites.shop"]);
    close(&target, &writer, "shop").unwrap();
    assert_eq!(brought(&writer), Vec::<String>::new());
    // So is an edit of the extension around the policy.
    fs::write(&writer.policy, WHOLE.replace("\"config\": {", "\"config\": {\"root_id\": \"r\", ")).unwrap();
    assert_eq!(brought(&writer), ["changed fields: plugin.root_id, sites.shop"]);
}

#[test]
fn a_new_policy_comes_with_an_entry_that_has_a_new_revision() {
    let without_pin = WHOLE.replace(r#", "state": {"api": {"mode": "offline"}}"#, "");
    for policy in [WHOLE, &without_pin] {
        let folder = tempfile::tempdir().unwrap();
        let (target, writer) = target(folder.path());
        let apply_policy = |policy: &str| {
            fs::write(&writer.policy, policy).unwrap();
            let deadline = Instant::now() + Duration::from_secs(10);
            let options = ChangeOptions { by: "me".to_owned(), wait: false, deadline, dry_run: false, yes: false };
            let keep: &Edit<'_> = &|_, _, _| Ok(());
            apply(&target, &writer, &SiteSelection::none(), keep, &options).unwrap();
            let next = Contents::read(&writer).next().unwrap();
            let expected = next.expected(next.newest().unwrap()).unwrap();
            (expected.revision, expected.document.mode)
        };
        let (first, mode) = apply_policy(policy);
        let (second, second_mode) = apply_policy(&policy.replace("\"hosts\": [\"shop\"]", "\"hosts\": [\"www\"]"));
        assert!(second > first, "{first} {second}");
        // The state stays the same, and nothing changes without an edit.
        assert_eq!(second_mode, mode);
        assert_eq!(apply_policy(&fs::read_to_string(&writer.policy).unwrap()), (second, mode));
    }
}

#[cfg(unix)]
#[test]
fn owner_and_group_are_kept() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    let folder = tempfile::tempdir().unwrap();
    let (target, writer) = target(folder.path());
    close(&target, &writer, "shop").unwrap();
    // Root may choose any owner, other users only groups of their own.
    let owner = rustix::process::geteuid().is_root().then_some(1001);
    let groups = std::process::Command::new("id").arg("-G").output().unwrap().stdout;
    let groups = String::from_utf8(groups).unwrap();
    let group = owner.or_else(|| groups.split_whitespace().last()?.parse().ok());
    chown(&writer.file, owner, group).unwrap();
    fs::set_permissions(&writer.file, fs::Permissions::from_mode(0o640)).unwrap();
    let metadata = || {
        let metadata = fs::metadata(&writer.file).unwrap();
        (metadata.ino(), (metadata.uid(), metadata.gid(), metadata.mode() & 0o777))
    };
    let before = metadata();
    let edit = |draft: &mut Draft, _: &str, now: Time| draft.end_all(now);
    change(&target, &writer, "shop", &edit).unwrap();
    let after = metadata();
    assert_ne!(after.0, before.0, "it is another file");
    assert_eq!(after.1, before.1);
}

#[cfg(unix)]
#[test]
fn a_file_with_another_owner_stays_readable_through_its_group_or_for_everyone() {
    for (mode, keeps_group, expected) in [
        (0o100644, false, true),
        (0o100644, true, true),
        (0o100640, true, true),
        (0o100640, false, false),
        (0o100600, true, false),
    ] {
        assert_eq!(replace::is_still_readable(mode, keeps_group), expected, "{mode:o} {keeps_group}");
    }
}

#[cfg(unix)]
#[test]
fn permissions_and_symbolic_links_are_kept() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (target, mut writer) = target(folder.path());
    let real = writer.file.clone();
    close(&target, &writer, "shop").unwrap();
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o644);
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    writer.file = folder.path().join("link.yaml");
    symlink(&real, &writer.file).unwrap();
    let edit = |draft: &mut Draft, _: &str, _: Time| draft.end_all(Time(0));
    change(&target, &writer, "shop", &edit).unwrap();
    assert!(fs::symlink_metadata(&writer.file).unwrap().is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::read_to_string(&real).unwrap().contains("online"));
}
