use super::*;

#[test]
fn codes_are_sorted_words_joined_by_hyphens() {
    assert!(ALL.is_sorted_by(|one, next| one.name < next.name));
    for code in ALL {
        assert!(code.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
        assert!(!code.summary.ends_with('.'), "{}", code.name);
    }
}
