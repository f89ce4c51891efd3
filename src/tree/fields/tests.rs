use super::*;

#[test]
fn an_error_names_the_key_path_and_the_value() {
    let tree = Tree::from_json(br#"{"sites": [{"name": 5}]}"#).unwrap();
    let mut fields = Fields::of(&tree, &KeyPath::Root).unwrap();
    let error = fields
        .list("sites", |site: &Tree, path: &KeyPath<'_>| Fields::of(site, path)?.required("name", text))
        .unwrap_err();
    assert_eq!(error.to_string(), "sites[0].name: 5 is a number, not a text");
}

#[test]
fn an_unknown_field_is_refused_with_a_suggestion() {
    for (written, message) in [
        (&br#"{"exmept": []}"#[..], "exmept: unknown field; did you mean \"exempt\"?"),
        (br#"{"zzz": 1}"#, "zzz: unknown field"),
    ] {
        let tree = Tree::from_json(written).unwrap();
        let mut fields = Fields::of(&tree, &KeyPath::Root).unwrap();
        fields.optional("exempt", any).unwrap();
        fields.optional("sites", any).unwrap();
        assert_eq!(fields.end().unwrap_err().to_string(), message);
    }
}
