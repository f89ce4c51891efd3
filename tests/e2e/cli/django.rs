//! The commands of the Django packages.

use super::{pushing, status_of};

#[tokio::test]
async fn the_commands_of_the_django_packages_work_and_name_the_verb_to_use() {
    let (_app, envoy, desk, _) = pushing().await;
    for (words, answer, verb, status) in [
        ("offline on shop", "shop: OFFLINE\n", "close", 503),
        ("offline check shop", "OFFLINE", "status", 503),
        ("offline off shop --force", "shop: ONLINE\n", "open", 200),
        ("setmaintenance on shop nosuch --ignore-missing", "shop: OFFLINE\n", "close", 503),
        ("setmaintenance on shop", "shop: already OFFLINE ('setmaintenance on' starts maintenance", "close", 503),
        ("setmaintenance off shop", "shop: ONLINE\n", "open", 200),
        ("maintenance_mode on shop --noinput", "shop: OFFLINE\n", "close", 503),
        ("maintenance_mode off shop", "shop: ONLINE\n", "open", 200),
        ("downtime_start shop", "shop: OFFLINE\n", "close", 503),
        ("downtime_end shop", "shop: ONLINE\n", "open", 200),
        ("maintenance_mode on shop --start 2099-01-01T02:00:00Z --end 2099-01-01T03:00:00Z", "(w1)\n", "schedule", 200),
    ] {
        let output = desk.run(words).await;
        assert_eq!((output.code, status_of(&envoy).await), (0, status), "{words}: {output:?}");
        assert!(output.stdout.contains(answer), "{words}: {output:?}");
        let typed = words.split(" shop").next().unwrap();
        let note = format!("note: `{typed}` is `maintctl {verb}`; use this command from now on\n");
        assert!(output.stderr.contains(&note), "{words}: {output:?}");
    }
}

#[tokio::test]
async fn interactive_maintenance_mode_asks_first() {
    let (_app, envoy, desk, _) = pushing().await;
    let output = super::terminal::at_terminals(&desk, "0", "maintenance_mode on shop --interactive", "n\n").await;
    assert_eq!((output.code, status_of(&envoy).await), (1, 200), "{output:?}");
    assert!(output.stderr.contains("Make this change? [y/N]"), "{output:?}");
}
