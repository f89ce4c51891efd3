//! Each case is named by behaviour. Times are in milliseconds; the status is read at `NOW`.

use super::*;

mod simulation;
mod workers;

const NOW: i64 = 100_000;
const FLEET: &str = "fleet";

/// A VM that has ticked all the time, with one root context of the plugin `data` that has adopted this document.
fn vm(identity: &str, joined: u64, seen: u64, document: &str) -> Vm {
    Vm {
        identity: identity.to_owned(),
        joined,
        seen,
        heartbeat: Time(NOW),
        awake_since: Time(NOW - 60_000),
        version: 1,
        roots: vec![root("data", joined, Standing::Serving, document)].into(),
    }
}

fn root(plugin: &str, configured: u64, standing: Standing, document: &str) -> RootRecord {
    let adopted = if document.is_empty() { None } else { Some(("shop".to_owned(), document.to_owned())) };
    RootRecord {
        plugin: plugin.to_owned(),
        fleet: FLEET.to_owned(),
        configured,
        standing,
        adopted: adopted.into_iter().collect(),
    }
}

fn stale(vm: Vm, milliseconds: i64) -> Vm {
    Vm { heartbeat: Time(NOW - milliseconds), ..vm }
}

fn interrupted(vm: Vm, milliseconds: i64) -> Vm {
    Vm { awake_since: Time(NOW - milliseconds), ..vm }
}

fn with(vm: Vm, roots: Vec<RootRecord>) -> Vm {
    Vm { roots: roots.into(), ..vm }
}

#[test]
fn the_number_of_threads_is_found_while_no_vm_is_in_doubt() {
    let (first, second, third) = (|| vm("k1", 1, 9, "-"), || vm("k1", 2, 9, "-"), || vm("k1", 9, 9, "-"));
    for (name, known, vms, found) in [
        ("no VM", None, vec![], None),
        ("only the main thread has started", None, vec![first()], None),
        ("three VMs that have seen each other", None, vec![first(), second(), third()], Some(3)),
        ("fewer than before", Some(3), vec![first(), second()], Some(3)),
        ("more than before", Some(2), vec![first(), second(), third()], Some(3)),
        ("two identities", None, vec![first(), second(), vm("k2", 5, 5, "-")], Some(2)),
        ("one has not seen the newest", None, vec![vm("k1", 1, 8, "-"), second(), third()], None),
        ("one is stuck", None, vec![stale(first(), STUCK_AFTER), second(), third()], None),
        ("one of another identity is stuck", None, vec![first(), second(), stale(vm("k2", 5, 5, "-"), 3000)], None),
        ("one has just started", None, vec![first(), interrupted(second(), SETTLE - 1), third()], None),
        ("one has started a while ago", None, vec![first(), interrupted(second(), SETTLE), third()], Some(3)),
    ] {
        assert_eq!(threads(known, &vms, Time(NOW)), found, "{name}");
    }
}

#[test]
fn a_vm_is_dead_when_every_thread_has_outlived_it() {
    let trapped = || stale(vm("k1", 3, 8, "-"), DEAD_AFTER);
    let all = || vec![vm("k1", 1, 9, "-"), vm("k1", 2, 9, "-"), vm("k1", 9, 9, "-")];
    let k2 = || vec![vm("k2", 5, 9, "-"), vm("k2", 6, 9, "-"), vm("k2", 7, 9, "-")];
    let change = |mut vms: Vec<Vm>, change: &dyn Fn(Vm) -> Vm| {
        let last = vms.pop().map(change);
        vms.extend(last);
        vms
    };
    for (name, others, threads, dead) in [
        ("a successor on its thread", all(), Some(3), true),
        ("the VMs of an update on every thread", k2(), Some(3), true),
        ("the number of threads is unknown", all(), None, false),
        ("one thread has no other VM", all(), Some(4), false),
        ("one thread is stuck", change(all(), &|vm| stale(vm, DEAD_AFTER)), Some(3), false),
        ("one thread was stuck until now", change(all(), &|vm| interrupted(vm, DEAD_AFTER - 1)), Some(3), false),
        (
            "the clock of one thread has been set back",
            change(all(), &|vm| interrupted(vm, -DEAD_AFTER)),
            Some(3),
            false,
        ),
        ("one VM may be another's predecessor", change(all(), &|vm| Vm { joined: 10, seen: 10, ..vm }), Some(3), false),
        (
            "all of them were stuck until now",
            all().into_iter().map(|vm| stale(vm, 3 * DEAD_AFTER)).collect(),
            Some(3),
            false,
        ),
        ("one thread has no VM that runs its plugin", change(all(), &|vm| with(vm, vec![])), Some(3), false),
        ("VMs of two identities", vec![all().remove(0), k2().remove(0), k2().remove(1)], Some(3), false),
    ] {
        let vms: Vec<Vm> = others.into_iter().chain([trapped()]).collect();
        assert_eq!(is_dead(&trapped(), &vms, threads), dead, "{name}");
        assert!(!is_dead(&stale(trapped(), DEAD_AFTER - 1), &vms, threads), "{name}, earlier");
    }
}

#[test]
fn a_root_context_is_superseded_when_newer_ones_run_on_every_thread() {
    let k2 = |joined| vm("k2", joined, 9, "-");
    let other = |joined| with(k2(joined), vec![root("other", joined, Standing::Serving, "-")]);
    for (name, vms, threads, superseded) in [
        ("every thread", vec![k2(7), k2(8), k2(9)], Some(3), true),
        ("one thread does not have it yet", vec![k2(7), k2(8)], Some(3), false),
        ("the number of threads is unknown", vec![k2(7), k2(8), k2(9)], None, false),
        (
            "one has not read its documents yet",
            vec![k2(7), k2(8), with(k2(9), vec![root("data", 0, Standing::Fresh, "?")])],
            Some(3),
            false,
        ),
        ("another plugin", vec![k2(7), k2(8), other(9)], Some(3), false),
        ("older ones", vec![k2(1), k2(2), k2(4)], Some(3), false),
        ("an old one was used again beside newer ones", vec![k2(1), k2(8), k2(9)], Some(3), true),
        ("two may be of one thread", vec![Vm { seen: 8, ..k2(7) }, k2(8), k2(9)], Some(3), false),
        ("the same identity", vec![vm("k1", 7, 9, "-"), vm("k1", 8, 9, "-"), vm("k1", 9, 9, "-")], Some(3), false),
    ] {
        assert_eq!(is_superseded("k1", "data", 5, &vms, threads), superseded, "{name}");
    }
}

#[test]
fn a_standing_follows_from_newer_root_contexts_and_requests() {
    use Standing::{Conflicting, Fresh, Reactivated, Serving, Superseded};
    for (standing, superseded, newest, alone, request, late_request) in [
        (Fresh, Superseded, Serving, Serving, Fresh, Fresh),
        (Serving, Superseded, Serving, Serving, Serving, Serving),
        (Superseded, Superseded, Superseded, Serving, Reactivated, Reactivated),
        (Reactivated, Reactivated, Serving, Serving, Reactivated, Conflicting),
        (Conflicting, Conflicting, Serving, Serving, Conflicting, Conflicting),
    ] {
        assert_eq!(standing.after_tick(true, 0), superseded, "{standing:?}");
        assert_eq!(standing.after_tick(false, RESUME - 1), newest, "{standing:?}");
        assert_eq!(standing.after_tick(false, RESUME), alone, "{standing:?}");
        assert_eq!(standing.after_request(DRAINED - 1), request, "{standing:?}");
        assert_eq!(standing.after_request(DRAINED), late_request, "{standing:?}");
    }
}

#[test]
fn the_newest_root_context_publishes() {
    let vms = [vm("k1", 3, 9, "-"), vm("k2", 5, 9, "-")];
    for (plugin, configured, newest) in [("data", 3, false), ("data", 5, true), ("data", 6, true), ("other", 1, true)] {
        assert_eq!(is_newest(plugin, configured, &vms), newest, "{plugin} {configured}");
    }
}

#[test]
fn conflicting_plugins_are_named_once() {
    let conflicting = |plugin: &str| vec![root(plugin, 1, Standing::Conflicting, "-")];
    let vms = ["b", "a", "b"].map(|plugin| with(vm("k1", 1, 9, "-"), conflicting(plugin)));
    assert_eq!(conflicts(&vms), ["a", "b"]);
    assert!(conflicts(&[vm("k1", 1, 9, "-")]).is_empty());
}

#[test]
fn a_record_is_read_as_it_was_written() {
    let roots = vec![
        root("istio-system.shop/root id", 7, Standing::Serving, "0123@push"),
        root("b/", 9, Standing::Reactivated, ""),
        RootRecord { fleet: String::new(), ..root("a b/", 1, Standing::Conflicting, "-") },
    ];
    let written = with(interrupted(stale(vm("k1", 3, 9, ""), 700), 5000), roots);
    let mut text = encode_head(&written);
    for root in written.roots.iter() {
        encode_root(&mut text, &root.plugin, &root.fleet, root.configured, root.standing);
        root.adopted.get(b"shop").into_iter().for_each(|document| encode_site(&mut text, "shop", document));
    }
    let (read, body) = decode_head(&text).unwrap();
    assert_eq!(Vm { roots: decode_body(body).unwrap(), ..read }, written);
}

#[test]
fn a_malformed_record_is_no_record() {
    for text in ["", "\n", "k1 1 2 3 4\n", "k1 1 2 3 x 5\n", "k1 1 2 3 4 5"] {
        assert!(decode_head(text).is_none(), "{text:?}");
    }
    for body in ["shop -\n", "* 1 superseded f p\n", "* x serving f p\n", "* 1 serving f\n", "* 1 serving f p\nshop\n"]
    {
        assert!(decode_body(body).is_none(), "{body:?}");
    }
}
