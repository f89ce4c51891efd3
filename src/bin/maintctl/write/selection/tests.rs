use super::*;

#[test]
fn every_selected_site_has_to_exist() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for (typed, ignore, known, expected) in [
        (&["shop"][..], false, &["api", "shop"][..], Ok(&["shop"][..])),
        (&["shop", "api", "shop"], false, &["api", "shop"], Ok(&["shop", "api"])),
        (&[], false, &["shop"], Ok(&["shop"])),
        (&[], false, &["api", "shop"], Err("no site given (sites: api, shop); nothing changed")),
        (&[], false, &[], Err("there are no sites; nothing changed")),
        (
            &["shop", "ap"],
            false,
            &["api", "shop"],
            Err("unknown site \"ap\"; did you mean \"api\"? (sites: api, shop); nothing changed"),
        ),
        (&["shop", "ap"], true, &["api", "shop"], Ok(&["shop"])),
        (&["zzzzzz"], true, &["api", "shop"], Ok(&[])),
    ] {
        let selection = SiteSelection { names: names(typed), ignore_not_found: ignore, ..SiteSelection::default() };
        let chosen = selection.choose(&names(known)).map_err(|error| error.to_string());
        assert_eq!(chosen, expected.map(names).map_err(str::to_owned), "{typed:?} {known:?}");
    }
}
