//! The count of the workers of a site.

use super::*;

/// `(name, records, threads, (members, adopted))`; the wanted document is `new`.
type WorkersCase = (&'static str, Vec<Vm>, Option<usize>, (usize, usize));

fn k1(joined: u64, document: &str) -> Vm {
    vm("k1", joined, 9, document)
}

fn k2(joined: u64, document: &str) -> Vm {
    vm("k2", joined, 9, document)
}

fn check(cases: Vec<WorkersCase>) {
    for (name, vms, threads, (members, adopted)) in cases {
        let counted = workers(FLEET, "shop", "new", &vms, threads, Time(NOW));
        assert_eq!(counted, Workers { members, adopted }, "{name}");
        assert_eq!(workers("elsewhere", "shop", "new", &vms, threads, Time(NOW)), Workers::default(), "{name}");
    }
}

#[test]
fn workers_adopt_one_after_another() {
    check(vec![
        ("no VM", vec![], Some(3), (0, 0)),
        ("only the main thread has started", vec![k1(1, "new")], None, (0, 0)),
        ("every VM has adopted", vec![k1(1, "new"), k1(2, "new"), k1(3, "new")], Some(3), (2, 2)),
        ("one worker has not adopted", vec![k1(1, "new"), k1(2, "old"), k1(3, "new")], Some(3), (2, 1)),
        ("only the main thread has not adopted", vec![k1(1, "old"), k1(2, "new"), k1(3, "new")], Some(3), (2, 1)),
        ("a late worker has joined and not adopted", vec![k1(1, "new"), k1(2, "new"), k1(3, "-")], None, (2, 1)),
        ("a worker of a known Envoy has not joined", vec![k1(1, "new"), k1(2, "new")], Some(3), (2, 1)),
    ]);
}

#[test]
fn workers_that_are_stuck_or_have_trapped_have_not_adopted() {
    check(vec![
        (
            "a worker that is stuck after adoption",
            vec![k1(1, "new"), k1(2, "new"), stale(k1(3, "new"), STUCK_AFTER)],
            Some(3),
            (2, 1),
        ),
        (
            "a worker whose heartbeat is from the future",
            vec![k1(1, "new"), k1(2, "new"), stale(k1(3, "new"), -STUCK_AFTER)],
            Some(3),
            (2, 1),
        ),
        (
            "a worker is stuck in the VM before an upgrade",
            vec![k2(7, "new"), k2(8, "new"), stale(k1(3, "old"), 9000)],
            Some(3),
            (2, 1),
        ),
        (
            "a worker is stuck in the VM before an upgrade, and the number of threads is unknown",
            vec![k2(7, "new"), k2(8, "new"), stale(k1(3, "old"), 9000)],
            None,
            (2, 1),
        ),
        (
            "a VM has trapped, and its successor has adopted",
            vec![k1(1, "new"), k1(2, "new"), stale(k1(3, "old"), 1), k1(4, "new")],
            Some(3),
            (3, 2),
        ),
        (
            "one worker is stuck while the VM of another has trapped",
            vec![k1(1, "new"), stale(k1(2, "new"), 5000), stale(k1(3, "new"), 5000), k1(4, "new")],
            Some(3),
            (3, 1),
        ),
    ]);
}

#[test]
fn every_root_context_that_receives_requests_counts() {
    let reactivated =
        |document| vec![root("data", 9, Standing::Serving, "new"), root("data", 1, Standing::Reactivated, document)];
    check(vec![
        (
            "a policy is configured and has not read its documents yet",
            vec![k1(1, "new"), k1(2, "new"), with(k1(3, ""), vec![root("data", 0, Standing::Fresh, "?")])],
            None,
            (2, 1),
        ),
        (
            "the policy of one worker does not have the site yet",
            vec![k1(1, "new"), k1(2, "new"), with(k1(3, ""), vec![root("data", 3, Standing::Serving, "")])],
            Some(3),
            (2, 1),
        ),
        (
            "a listener that Envoy still warms has adopted, and the one before receives requests",
            vec![k1(1, "new"), with(k1(2, ""), reactivated("old")), k1(3, "new")],
            Some(3),
            (2, 1),
        ),
        (
            "the listener before receives requests and has adopted too",
            vec![k1(1, "new"), with(k1(2, ""), reactivated("new")), k1(3, "new")],
            Some(3),
            (2, 2),
        ),
    ]);
}

#[test]
fn plugins_of_one_site_are_counted_together() {
    check(vec![
        (
            "one of two plugins of the site has not adopted",
            [1, 2, 3]
                .map(|joined| {
                    let second = if joined == 3 { "old" } else { "new" };
                    let roots = vec![
                        root("data", joined, Standing::Serving, "new"),
                        root("other", joined, Standing::Serving, second),
                    ];
                    with(k1(joined, ""), roots)
                })
                .to_vec(),
            Some(3),
            (2, 1),
        ),
        (
            "two plugins of the site run in VMs of their own",
            [1, 2, 3]
                .into_iter()
                .flat_map(|n| [k1(n, "new"), with(k2(n, ""), vec![root("other", n, Standing::Serving, "new")])])
                .collect(),
            Some(3),
            (4, 4),
        ),
        (
            "a plugin without the site does not count",
            [1, 2, 3].into_iter().flat_map(|n| [k1(n, "new"), with(k2(n, ""), vec![])]).collect(),
            Some(3),
            (2, 2),
        ),
    ]);
}
