use super::*;

/// Offline until 04:00, read-only from 02:00 to 05:00, offline again from 03:00, and offline from 06:00 without an end.
fn overlapping_modes() -> Document {
    with("'since': '2026-11-21T01:00:00Z', 'until': '2026-11-21T04:00:00Z', 'reason': 'own', 'suspend': ['staff'], \
          'eta': '2026-11-21T03:30:00Z', 'windows': [\
          {'id': 'a', 'mode': 'read_only', 'from': '2026-11-21T02:00:00Z', 'until': '2026-11-21T05:00:00Z', \
           'reason': 'a', 'suspend': ['bots'], 'eta': '2026-11-21T04:45:00Z'},\
          {'id': 'b', 'mode': 'offline', 'from': '2026-11-21T03:00:00Z', 'until': '2026-11-21T03:10:00Z', 'reason': 'b'},\
          {'id': 'c', 'mode': 'offline', 'from': '2026-11-21T06:00:00Z', 'reason': 'c'}]")
    .unwrap()
}

#[test]
fn the_effective_state_combines_all_active_modes() {
    let document = overlapping_modes();
    for (now, modes, reason, since, until, eta, suspended) in [
        ("01:00", &[Mode::Offline][..], Some("own"), Some("01:00"), Some("04:00"), Some("03:30"), &["staff"][..]),
        ("01:59", &[Mode::Offline], Some("own"), Some("01:00"), Some("04:00"), Some("03:30"), &["staff"]),
        (
            "02:00",
            &[Mode::Offline, Mode::ReadOnly],
            Some("own"),
            Some("01:00"),
            Some("05:00"),
            Some("04:45"),
            &["staff", "bots"],
        ),
        (
            "03:00",
            &[Mode::Offline, Mode::ReadOnly],
            Some("own"),
            Some("01:00"),
            Some("05:00"),
            Some("04:45"),
            &["staff", "bots"],
        ),
        ("04:00", &[Mode::ReadOnly], Some("a"), Some("02:00"), Some("05:00"), Some("04:45"), &["bots"]),
        ("05:00", &[], None, None, None, None, &[]),
        ("06:00", &[Mode::Offline], Some("c"), Some("06:00"), None, None, &[]),
        ("23:00", &[Mode::Offline], Some("c"), Some("06:00"), None, None, &[]),
    ] {
        let state = document.at(at(now));
        assert_eq!(state.modes().strictest_first().collect::<Vec<_>>(), modes, "{now}");
        assert_eq!(state.mode(), modes.first().copied().unwrap_or(Mode::Online), "{now}");
        assert_eq!(state.reason(), reason, "{now}");
        assert_eq!(state.since(), since.map(at), "{now}");
        assert_eq!(state.until(), until.map(at), "{now}");
        assert_eq!(state.eta(), eta.map(at), "{now}");
        for rule in ["staff", "bots", "other"] {
            assert_eq!(state.suspends(rule), suspended.contains(&rule), "{now} {rule}");
        }
    }
}

#[test]
fn windows_and_until_take_effect_to_the_millisecond() {
    let document = with(
        "'until': '2026-11-21T01:00:00Z', 'windows': [{'id': 'w', 'mode': 'read_only', \
                         'from': '2026-11-21T02:00:00Z', 'until': '2026-11-21T03:00:00Z'}]",
    )
    .unwrap();
    for (moment, before, after) in [
        ("01:00", Mode::Offline, Mode::Online),
        ("02:00", Mode::Online, Mode::ReadOnly),
        ("03:00", Mode::ReadOnly, Mode::Online),
    ] {
        let moment = at(moment);
        assert_eq!((document.at(Time(moment.0 - 1)).mode(), document.at(moment).mode()), (before, after));
        assert_eq!(document.next_change(Time(moment.0 - 1)), Some(moment));
    }
    assert_eq!(document.next_change(at("03:00")), None);
}

#[test]
fn until_has_no_effect_in_mode_online() {
    let document = document(
        "{'site': 'a', 'fleet': 'b', 'revision': 5, 'mode': 'online', 'until': '2026-11-21T02:00:00Z', 'reason': 'r', \
         'suspend': ['staff'], 'eta': '2026-11-21T02:00:00Z'}",
    )
    .unwrap();
    assert_eq!(document.at(at("01:00")), EffectiveState::default());
    assert_eq!(document.next_change(at("01:00")), None);
}

#[test]
fn a_window_with_an_owner_closes_the_site_like_any_other() {
    let hold = "'windows': [{'id': 'h0a1b2c3d', 'mode': 'offline', 'from': '2026-11-21T02:00:00Z', 'by': 'ci@runner'}]";
    let pushed = document(&format!("{{'site': 'a', 'fleet': 'b', 'revision': 5, 'mode': 'online', {hold}}}")).unwrap();
    let declared = read_declared(&format!("{{'mode': 'online', {hold}}}")).unwrap();
    for document in [pushed, declared] {
        assert!(document.unknown.is_empty(), "{:?}", document.unknown);
        assert_eq!(document.windows[0].by.as_deref(), Some("ci@runner"));
        assert_eq!((document.at(at("01:59")).mode(), document.at(at("02:00")).mode()), (Mode::Online, Mode::Offline));
    }
}
