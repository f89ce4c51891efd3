//! The proof: once the status says that every worker has adopted, no new request meets what was before; and the status
//! never says so of a worker that has not.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::bootstrap::{self, Form};
use crate::support::envoy::{Envoy, Update, replace};
use crate::support::raw::Connection;
use crate::support::signer::{Signer, document, now_ms};
use crate::support::{DEADLINE, eventually, filters, module, project, raw, shop};

const WORKERS: u32 = 4;
/// How many of the 100,000 new requests come on fresh connections; the others on connections kept open.
const FRESH: usize = 10_000;
const KEPT: usize = 90_000;
fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: shop.example.com\r\n\r\n")
}

/// Connections that are kept open: enough that every worker has some.
async fn kept_open(envoy: &Envoy) -> Vec<Connection> {
    let mut connections = Vec::new();
    for _ in 0..40 {
        connections.push(Connection::open(envoy.data()).await);
    }
    exchange(&mut connections, "/before", 40).await;
    for worker in 0..WORKERS {
        let name = format!("listener.127.0.0.1_0.worker_{worker}.downstream_cx_total");
        let all = envoy.stats(&format!("worker_{worker}.downstream_cx_total")).await;
        assert!(all.values().any(|count| *count > 0), "worker {worker} has no connection: {name} {all:?}");
    }
    connections
}

/// Sends so many requests over kept-open connections, and returns the statuses that came.
async fn exchange(connections: &mut [Connection], path: &str, count: usize) -> Vec<u16> {
    let share = count.div_ceil(connections.len());
    let bytes = request(path);
    let bytes = bytes.as_bytes();
    let each = connections.iter_mut().map(|connection| async move {
        let mut statuses = Vec::with_capacity(share);
        while statuses.len() < share {
            connection.send(bytes).await;
            statuses.push(connection.response().await.expect("the connection stays open").status);
        }
        statuses
    });
    futures::future::join_all(each).await.concat()
}

/// Sends so many requests, each on a connection of its own, and returns the statuses that came.
async fn fresh(to: SocketAddr, path: &str, count: usize) -> Vec<u16> {
    let each = (0..20).map(|_| async {
        let mut statuses = Vec::new();
        for _ in 0..count / 20 {
            statuses.push(raw::exchange(to, request(path).as_bytes()).await.expect("an answer").status);
        }
        statuses
    });
    futures::future::join_all(each).await.concat()
}

/// Requests that go on until this is dropped, on fresh and on kept-open connections.
struct Load {
    stop: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<u64>>,
}

impl Load {
    fn start(to: SocketAddr) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let begin = Instant::now();
        let task = |stay_open: bool| {
            let stop = stop.clone();
            async move {
                let (mut count, mut connection) = (0, Connection::open(to).await);
                while !stop.load(Ordering::Relaxed) && begin.elapsed() < 5 * DEADLINE {
                    connection.send(request("/load").as_bytes()).await;
                    assert!(connection.response().await.is_some(), "no request is lost");
                    count += 1;
                    if !stay_open {
                        connection = Connection::open(to).await;
                    }
                }
                count
            }
        };
        let tasks = (0..8).map(|index| tokio::spawn(task(index % 2 == 0))).collect();
        Load { stop, tasks }
    }

    /// Ends it; every request must have had an answer.
    async fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        let counts = futures::future::join_all(self.tasks).await;
        counts.into_iter().map(|count| count.expect("the load ran to its end")).sum()
    }
}

/// All of 100,000 new requests get this status.
async fn all_get(status: u16, envoy: &Envoy, connections: &mut [Connection], path: &str) {
    let (kept, fresh) = tokio::join!(exchange(connections, path, KEPT), fresh(envoy.data(), path, FRESH));
    assert!(kept.len() >= KEPT && fresh.len() >= FRESH);
    let others = |statuses: &[u16]| statuses.iter().filter(|seen| **seen != status).count();
    assert_eq!((others(&kept), others(&fresh)), (0, 0), "of kept-open and fresh connections, did not get {status}");
}

/// What an open site answers here comes from Envoy's route, so that the application need not serve 100,000 requests;
/// `/app` goes to it.
fn answer_in_the_route(manager: &mut Value) {
    let routes = manager["route_config"]["virtual_hosts"][0]["routes"].as_array_mut().unwrap();
    let direct = json!({ "match": { "prefix": "/direct" }, "direct_response": { "status": 200 } });
    routes.insert(0, direct);
}

async fn wait_for_mode(envoy: &Envoy, mode: &str) {
    eventually(&format!("every worker is {mode}"), async || {
        let seen = envoy.site("shop").await;
        (seen["mode"] == mode && seen["workers"] == json!({ "members": WORKERS, "adopted": WORKERS })).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_push_is_adopted_no_new_request_meets_what_was_before() {
    let (app, ops) = (App::start(), Signer::generate());
    let envoy = Envoy::builder(app.address())
        .policy(&shop::policy(&ops))
        .control(&shop::control(&ops))
        .workers(WORKERS)
        .manager(answer_in_the_route)
        .start()
        .await;
    let mut connections = kept_open(&envoy).await;
    let load = Load::start(envoy.data());

    shop::push(&envoy, &ops, &document("shop", "offline")).await;
    let refused = envoy.stat("wasmcustom.maintenance.site.shop.rq_refused").await;
    all_get(503, &envoy, &mut connections, "/closed").await;
    assert_eq!(app.hits_of("/closed"), 0);
    assert!(app.hits_of("/before") >= 40 && app.hits_of("/load") > 0);
    let now = envoy.stat("wasmcustom.maintenance.site.shop.rq_refused").await;
    assert!(now - refused >= (KEPT + FRESH) as u64, "{refused} {now}");

    let opening = document("shop", "online");
    shop::push(&envoy, &ops, &opening).await;
    all_get(200, &envoy, &mut connections, "/direct").await;
    let reached = exchange(&mut connections, "/app", 1000).await;
    assert!(reached.iter().all(|status| *status == 200));
    assert_eq!(app.hits_of("/app"), 1000);
    assert!(load.stop().await > 0);
    eventually("the gauges say so", async || {
        let gauge = async |name: &str| envoy.stat(&format!("wasmcustom.maintenance.site.shop.{name}")).await;
        (gauge("mode").await == 0 && json!(gauge("revision").await) == opening["revision"]).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_watched_file_is_adopted_no_new_request_meets_what_was_before() {
    let (app, ops) = (App::start(), Signer::generate());
    let open = shop::policy(&ops);
    let mut closed = open.clone();
    closed["state"] = json!({ "shop": { "mode": "offline" } });
    let envoy = Envoy::builder(app.address())
        .policy(&open)
        .control(&shop::control(&ops))
        .workers(WORKERS)
        .watched_file()
        .manager(answer_in_the_route)
        .start()
        .await;
    let mut connections = kept_open(&envoy).await;
    let load = Load::start(envoy.data());

    assert_eq!(envoy.set_policy(&closed).await, Update::Taken);
    wait_for_mode(&envoy, "offline").await;
    all_get(503, &envoy, &mut connections, "/closed").await;
    assert_eq!(app.hits_of("/closed"), 0);

    // The entry removed, the site is open.
    assert_eq!(envoy.set_policy(&open).await, Update::Taken);
    wait_for_mode(&envoy, "online").await;
    all_get(200, &envoy, &mut connections, "/direct").await;
    assert_eq!(envoy.site("shop").await["channel"], Value::Null);
    assert!(load.stop().await > 0);
}

/// A filter before ours that keeps its worker busy over a request that asks for it, until [`Busy::end`].
struct Busy {
    folder: tempfile::TempDir,
}

impl Busy {
    fn new() -> Busy {
        Busy { folder: tempfile::TempDir::new().unwrap() }
    }

    fn filter(&self) -> Value {
        let file = self.folder.path().join("end");
        filters::lua(&format!(
            "function envoy_on_request(handle)
               if handle:headers():get('x-busy') then
                 handle:logWarn('busy now')
                 local latest = os.time() + 60
                 while not io.open('{}') and os.time() < latest do end
               end
             end",
            file.display()
        ))
    }

    fn end(&self) {
        std::fs::write(self.folder.path().join("end"), "").unwrap();
    }

    /// Keeps a worker busy; its answer comes on this connection.
    async fn begin(&self, envoy: &Envoy) -> Connection {
        let mut connection = Connection::open(envoy.data()).await;
        connection.send(b"GET /stuck HTTP/1.1\r\nHost: a\r\nx-busy: 1\r\n\r\n").await;
        eventually("a worker is busy", async || envoy.log_contains("busy now").then_some(())).await;
        connection
    }
}

/// The answer, where it comes at once; a connection that the busy worker has taken is left for a new one.
async fn soon<T>(what: &str, ask: impl AsyncFn() -> T) -> T {
    eventually(what, async || tokio::time::timeout(Duration::from_millis(500), ask()).await.ok()).await
}

#[tokio::test]
async fn a_worker_that_is_stuck_counts_as_not_adopted() {
    let (app, ops, busy) = (App::start(), Signer::generate(), Busy::new());
    let envoy = Envoy::builder(app.address())
        .policy(&shop::policy(&ops))
        .control(&shop::control(&ops))
        .workers(WORKERS)
        .before(busy.filter())
        .start()
        .await;
    shop::push(&envoy, &ops, &document("shop", "online")).await;
    let mut stuck = busy.begin(&envoy).await;

    let closing = document("shop", "offline");
    let token = ops.sign(&closing);
    let (status, answer) = soon("a push on another worker", async || envoy.push("shop", &token).await).await;
    assert_eq!(status, 200, "{answer}");
    let seen = eventually("three workers of four have adopted", async || {
        let seen = soon("the status of another worker", async || envoy.site("shop").await).await;
        (seen["workers"]["adopted"] != 0).then_some(seen)
    })
    .await;
    assert_eq!((&seen["revision"], &seen["workers"]["members"]), (&closing["revision"], &json!(WORKERS)), "{seen}");
    // Nor does it ever count before it goes on: what it was busy with is let in by what was before.
    let adopted = async || {
        let seen = soon("the status of another worker", async || envoy.site("shop").await).await;
        assert_eq!(seen["workers"]["members"], WORKERS, "{seen}");
        seen["workers"]["adopted"].as_u64().unwrap()
    };
    eventually("all others have adopted", async || (adopted().await == 3).then_some(())).await;
    let revision = envoy.stat("wasmcustom.maintenance.site.shop.revision").await;
    assert_ne!(json!(revision), closing["revision"]);
    busy.end();
    assert_eq!(stuck.response().await.unwrap().status, 200);
    envoy.wait_adopted("shop", &closing["revision"]).await;
    assert_eq!(envoy.site("shop").await["workers"], json!({ "members": WORKERS, "adopted": WORKERS }));
    assert_eq!(app.hits(), 1);
}

/// Another build of the module under test: the same but for the number that it knows its build by.
fn another_build(envoy: &Envoy) -> PathBuf {
    let script = "find src Cargo.toml Cargo.lock -type f | LC_ALL=C sort \
                  | xargs $(command -v sha256sum || echo shasum -a 256) \
                  | $(command -v sha256sum || echo shasum -a 256) | cut -c 1-16";
    let output = std::process::Command::new("sh").args(["-c", script]).current_dir(project()).output().unwrap();
    let build = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let mut bytes = std::fs::read(module()).unwrap();
    let places: Vec<usize> = (0..bytes.len() - 16).filter(|at| &bytes[*at..at + 16] == build.as_bytes()).collect();
    assert!(!places.is_empty(), "the module under test is not of build {build}: `make module`");
    places.iter().for_each(|at| bytes[*at..at + 16].copy_from_slice(b"0123456789abcde0"));
    let file = envoy.folder().join("another.wasm");
    std::fs::write(&file, bytes).unwrap();
    file
}

#[tokio::test]
async fn a_worker_that_is_stuck_over_an_upgrade_counts_as_not_adopted() {
    let (app, ops, busy) = (App::start(), Signer::generate(), Busy::new());
    let policy = shop::policy(&ops);
    let envoy = Envoy::builder(app.address())
        .policy(&policy)
        .control(&shop::control(&ops))
        .workers(WORKERS)
        .watched_file()
        .before(busy.filter())
        .start()
        .await;
    shop::push(&envoy, &ops, &document("shop", "online")).await;
    let mut stuck = busy.begin(&envoy).await;
    // Envoy itself says that it has taken an update only when every worker has.
    let before = envoy.updates().await;
    let filter = bootstrap::maintenance("data", &policy, Form::Text, &another_build(&envoy));
    replace(envoy.ecds_file(), &bootstrap::discovery_file(&filter).to_string());
    let closing = document("shop", "offline");
    let token = ops.sign(&closing);
    let (status, answer) = soon("a push on another worker", async || envoy.push("shop", &token).await).await;
    assert_eq!(status, 200, "{answer}");
    for _ in 0..200 {
        let seen = soon("the status of another worker", async || envoy.site("shop").await).await;
        // While the others change over there may be nobody, but never do all who are there agree.
        let workers = &seen["workers"];
        assert!(workers["members"] != workers["adopted"] || workers["members"] == 0, "while one is stuck: {seen}");
    }
    busy.end();
    assert_eq!(stuck.response().await.unwrap().status, 200);
    assert_eq!(envoy.wait_for_update(before).await, Update::Taken);
    eventually("all four count", async || {
        (envoy.site("shop").await["workers"] == json!({ "members": WORKERS, "adopted": WORKERS })).then_some(())
    })
    .await;
    assert_eq!(shop::get(&envoy, "/").await, 503);
}

#[tokio::test]
async fn state_outlives_policy_updates_and_an_upgrade_of_the_module() {
    let (app, ops) = (App::start(), Signer::generate());
    let mut policy = shop::policy(&ops);
    let mut envoy = Envoy::builder(app.address())
        .policy(&policy)
        .control(&shop::control(&ops))
        .workers(WORKERS)
        .watched_file()
        .start()
        .await;
    let all = json!({ "members": WORKERS, "adopted": WORKERS });
    eventually("every worker is a member", async || (envoy.site("shop").await["workers"] == all).then_some(())).await;
    let closing = document("shop", "offline");
    shop::push(&envoy, &ops, &closing).await;
    assert_eq!(envoy.site("shop").await["workers"], all);
    let process = envoy.control(hyper::Method::GET, "/v1/status", &[]).await.1["envoy"].clone();

    let mut connections = kept_open_to_a_closed_site(&envoy).await;
    for round in 0..3 {
        policy["exempt"] = json!([{ "name": format!("rule-{round}"), "paths": [format!("/only-{round}")] }]);
        if round == 2 {
            let module = another_build(&envoy);
            assert_eq!(envoy.upgrade(&module, &policy).await, Update::Taken);
        } else {
            assert_eq!(envoy.set_policy(&policy).await, Update::Taken);
        }
        let statuses = exchange(&mut connections, "/a", 2000).await;
        assert!(statuses.iter().all(|status| *status == 503), "in round {round} a request got in");
        eventually("every worker has the new policy", async || {
            let rule = format!("/only-{round}");
            exchange(&mut connections, &rule, 40).await.iter().all(|status| *status == 200).then_some(())
        })
        .await;
        eventually("four members, all adopted", async || (envoy.site("shop").await["workers"] == all).then_some(()))
            .await;
        assert_eq!(envoy.site("shop").await["revision"], closing["revision"]);
    }
    assert_eq!(app.hits_of("/a"), 0);
    assert_eq!(envoy.control(hyper::Method::GET, "/v1/status", &[]).await.1["envoy"], process);

    // It follows on, and no instance of the old build acts beside the new one.
    shop::push(&envoy, &ops, &document("shop", "online")).await;
    assert_eq!(envoy.site("shop").await["workers"], all);
    assert!(exchange(&mut connections, "/b", 200).await.iter().all(|status| *status == 200));
    // And back.
    assert_eq!(envoy.upgrade(&module(), &policy).await, Update::Taken);
    shop::push(&envoy, &ops, &document("shop", "offline")).await;
    eventually("four members again", async || (envoy.site("shop").await["workers"] == all).then_some(())).await;
    assert!(exchange(&mut connections, "/c", 200).await.iter().all(|status| *status == 503));
    assert!(!envoy.log_contains("panick"), "{}", envoy.log());
}

async fn kept_open_to_a_closed_site(envoy: &Envoy) -> Vec<Connection> {
    let mut connections = Vec::new();
    for _ in 0..20 {
        connections.push(Connection::open(envoy.data()).await);
    }
    assert!(exchange(&mut connections, "/a", 20).await.iter().all(|status| *status == 503));
    connections
}

#[tokio::test]
async fn a_declared_entry_stands_before_what_was_pushed_and_removed_gives_way() {
    let (app, ops) = (App::start(), Signer::generate());
    let plain = shop::policy(&ops);
    let declared = |mode: &str| {
        let mut policy = plain.clone();
        policy["state"] = json!({ "shop": { "mode": mode } });
        policy
    };
    let envoy = Envoy::builder(app.address())
        .policy(&plain)
        .control(&shop::control(&ops))
        .workers(WORKERS)
        .watched_file()
        .start()
        .await;
    shop::push(&envoy, &ops, &document("shop", "read_only")).await;
    for (policy, mode, channel) in [
        (declared("offline"), "offline", "policy"),
        (declared("online"), "online", "policy"),
        (plain.clone(), "read_only", "push"),
    ] {
        assert_eq!(envoy.set_policy(&policy).await, Update::Taken);
        wait_for_mode(&envoy, mode).await;
        assert_eq!(envoy.site("shop").await["channel"], channel);
        let post = b"POST /p HTTP/1.1\r\nHost: a\r\ncontent-length: 0\r\n\r\n";
        let posted = raw::exchange(envoy.data(), post).await.unwrap().status;
        let expected = match mode {
            "offline" => (503, 503),
            "read_only" => (200, 503),
            _ => (200, 200),
        };
        assert_eq!((shop::get(&envoy, "/").await, posted), expected, "{mode}");
    }
}

#[tokio::test]
async fn a_document_outlives_the_key_that_signed_it_and_the_status_says_so() {
    let (app, ops, old) = (App::start(), Signer::generate(), Signer::generate());
    let after = shop::policy(&ops);
    let mut before = after.clone();
    before["keys"].as_array_mut().unwrap().push(old.entry("old"));
    let envoy = Envoy::builder(app.address())
        .policy(&before)
        .control(&shop::control(&ops))
        .workers(WORKERS)
        .watched_file()
        .start()
        .await;
    let closing = document("shop", "offline");
    shop::push(&envoy, &old, &closing).await;
    assert_eq!(shop::full_status(&envoy, &ops, "shop").await["signed_by"], "old");
    assert_eq!(envoy.set_policy(&after).await, Update::Taken);
    eventually("the status says that the key is gone", async || {
        let seen = shop::full_status(&envoy, &ops, "shop").await;
        (seen["signed_by"] == "old (no longer in the policy)").then_some(())
    })
    .await;
    envoy.wait_adopted("shop", &closing["revision"]).await;
    for _ in 0..20 {
        assert_eq!(shop::get(&envoy, "/").await, 503);
    }
    let (status, answer) = envoy.push("shop", &old.sign(&document("shop", "online"))).await;
    assert_eq!((status, &answer["code"]), (401, &json!("unknown_key")), "{answer}");
    shop::push(&envoy, &ops, &document("shop", "online")).await;
    assert_eq!(shop::get(&envoy, "/").await, 200);
}

#[tokio::test]
async fn what_lives_on_for_an_open_stream_neither_counts_nor_acts() {
    let (app, ops) = (App::start(), Signer::generate());
    let policy = |keys: Value, rule: &str| {
        json!({
            "fleet": "test", "sites": [{ "name": "shop" }], "keys": keys,
            "exempt": [{ "name": rule, "paths": [format!("/{rule}")] }],
        })
    };
    // Before, `ops` was not permitted for `shop`: were the old roots to act, they would refuse what it signs.
    let mut narrow = ops.entry("ops");
    narrow["sites"] = json!(["docs"]);
    let mut envoy = Envoy::builder(app.address())
        .policy(&policy(json!([narrow]), "a"))
        .control(&shop::control(&ops))
        .workers(WORKERS)
        .watched_file()
        .start()
        .await;
    let mut held = Vec::new();
    for count in 1..=16 {
        let mut connection = Connection::open(envoy.data()).await;
        connection.send(b"GET /held HTTP/1.1\r\nHost: a\r\nx-app: hold\r\n\r\n").await;
        eventually("the request is held", async || (app.hits_of("/held") == count).then_some(())).await;
        held.push(connection);
    }
    let all = json!({ "members": WORKERS, "adopted": WORKERS });
    let wide = policy(json!([ops.entry("ops")]), "b");
    let module = another_build(&envoy);
    for upgrade in [false, true] {
        let update = if upgrade { envoy.upgrade(&module, &wide).await } else { envoy.set_policy(&wide).await };
        assert_eq!(update, Update::Taken);
        for mode in ["offline", "read_only", "offline"] {
            shop::push(&envoy, &ops, &document("shop", mode)).await;
            eventually("four members, all adopted", async || {
                (envoy.site("shop").await["workers"] == all).then_some(())
            })
            .await;
            let number = if mode == "offline" { 3 } else { 1 };
            eventually("the gauge says the mode", async || {
                (envoy.stat("wasmcustom.maintenance.site.shop.mode").await == number).then_some(())
            })
            .await;
        }
        let bypassed = shop::full_status(&envoy, &ops, "shop").await["bypassed"].clone();
        assert!(bypassed.get("b").is_some() && bypassed.get("a").is_none(), "{bypassed}");
        assert_eq!((shop::get(&envoy, "/a").await, shop::get(&envoy, "/b").await), (503, 200));
        assert_eq!(envoy.stat("wasmcustom.maintenance.channel.push.rejected").await, 0, "upgrade: {upgrade}");
    }
    app.release();
    for connection in &mut held {
        assert_eq!(connection.response().await.unwrap().status, 200);
    }
    eventually("four members when they are gone", async || (envoy.site("shop").await["workers"] == all).then_some(()))
        .await;
}

#[tokio::test]
async fn a_site_of_two_policies_is_adopted_when_both_have_adopted() {
    let (app, ops) = (App::start(), Signer::generate());
    let mut narrow = shop::policy(&ops);
    narrow["keys"][0]["sites"] = json!(["docs"]);
    // Whichever of the two policies would not take the document.
    for turn in [false, true] {
        let wide = shop::policy(&ops);
        let (first, second) = if turn { (&narrow, &wide) } else { (&wide, &narrow) };
        let envoy = Envoy::builder(app.address())
            .policy(first)
            .listener("second", second)
            .control(&shop::control(&ops))
            .start()
            .await;
        let closing = document("shop", "offline");
        let (status, answer) = envoy.push("shop", &ops.sign(&closing)).await;
        assert_eq!(status, 200, "{answer}");
        eventually("one of the policies refuses it", async || {
            (envoy.stat("wasmcustom.maintenance.channel.push.rejected").await >= 3).then_some(())
        })
        .await;
        let seen = envoy.site("shop").await;
        assert_eq!(seen["workers"], json!({ "members": 2, "adopted": 0 }), "{seen}");
        // It is not counted again and again.
        let count = envoy.stat("wasmcustom.maintenance.channel.push.rejected").await;
        shop::get(&envoy, "/").await;
        let later = json!({ "site": "shop", "fleet": "test", "revision": now_ms() + 1, "mode": "read_only" });
        envoy.push("shop", &ops.sign(&later)).await;
        eventually("the next is refused too", async || {
            (envoy.stat("wasmcustom.maintenance.channel.push.rejected").await == 2 * count).then_some(())
        })
        .await;
    }
}
