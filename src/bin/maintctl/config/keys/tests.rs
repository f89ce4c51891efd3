use super::*;

#[test]
fn a_key_file_is_read_back_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("maintctl.key");
    let key = SigningKey::generate();
    key.write_new(&path).unwrap();
    assert_eq!(SigningKey::from_file(&path).unwrap().jwk().unwrap(), key.jwk().unwrap());
    assert!(key.write_new(&path).is_err(), "an existing key is overwritten");
}

#[cfg(unix)]
#[test]
fn a_key_file_that_other_users_can_read_is_rejected() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("maintctl.key");
    SigningKey::generate().write_new(&path).unwrap();
    for mode in [0o640, 0o604, 0o620] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = SigningKey::from_file(&path).err().unwrap().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }
}

#[test]
fn text_that_is_not_a_key_is_rejected() {
    let error = SigningKey::from_pem("hello", "MAINTCTL_KEY").err().unwrap().to_string();
    assert!(error.starts_with("MAINTCTL_KEY: not an Ed25519 private key in PKCS#8 PEM"), "{error}");
}
