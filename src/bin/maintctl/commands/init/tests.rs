use super::*;

use crate::config::file::ConfigFile;

#[test]
fn a_new_file_contains_the_values_of_the_flags() {
    let args = |envoys: &[&str], file: Option<&str>| InitArgs {
        fleet: None,
        envoys: envoys.iter().map(|url| (*url).to_owned()).collect(),
        file: file.map(PathBuf::from),
        policy: file.map(|_| PathBuf::from("a \"quoted\" policy.yaml")),
    };
    for (args, envoys, file) in [
        (args(&[], None), &[ENVOY][..], None),
        (args(&["http://a/", "http://b/"], None), &["http://a/", "http://b/"], None),
        (args(&[], Some("e.yaml")), &[ENVOY][..], Some("e.yaml")),
        (args(&["http://a/"], Some("e.yaml")), &["http://a/"], Some("e.yaml")),
    ] {
        let read: ConfigFile = toml::from_str(&text("my target", &args)).unwrap();
        assert_eq!((read.default.as_deref(), read.fleet.as_deref()), (Some("my target"), Some("demo")));
        assert_eq!(read.key.as_deref(), Some(Path::new(KEY)));
        let target = read.targets.get("my target").unwrap();
        assert_eq!(target.envoys, envoys);
        assert_eq!(target.file.as_deref(), file.map(Path::new));
        assert_eq!(target.policy, args.policy);
    }
}
