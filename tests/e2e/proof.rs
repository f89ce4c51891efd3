//! Adoption: after the status shows that every worker has adopted a document, no new request is decided by an older
//! one, and the status never shows this while a worker has not adopted the document.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::bootstrap::{self, Form};
use crate::support::builder::EnvoyBuilder;
use crate::support::desk::Desk;
use crate::support::envoy::{Envoy, Update, replace};
use crate::support::raw::{Connection, ask_all, get};
use crate::support::signer::{Signer, document, now_ms};
use crate::support::{DEADLINE, eventually, filters, raw, shop};

const WORKERS: u32 = 4;
/// The number of requests on new connections; the others of the 100,000 use open connections.
const FRESH: usize = 10_000;
const KEPT: usize = 90_000;

/// Opens connections until every worker has some.
async fn kept_open(envoy: &Envoy) -> Vec<Connection> {
    let mut connections = Vec::new();
    for _ in 0..40 {
        connections.push(Connection::open(envoy.data()).await);
    }
    ask_all(&mut connections, "/before", 40).await;
    for worker in 0..WORKERS {
        let name = format!("listener.127.0.0.1_0.worker_{worker}.downstream_cx_total");
        let all = envoy.stats(&format!("worker_{worker}.downstream_cx_total")).await;
        assert!(all.values().any(|count| *count > 0), "worker {worker} has no connection: {name} {all:?}");
    }
    connections
}

/// Sends `count` requests, each on a new connection, and returns the statuses of the responses.
async fn fresh(to: SocketAddr, path: &str, count: usize) -> Vec<u16> {
    let each = (0..20).map(|_| async {
        let mut statuses = Vec::new();
        for _ in 0..count / 20 {
            statuses.push(raw::exchange(to, get(path).as_bytes()).await.expect("a response").status);
        }
        statuses
    });
    futures::future::join_all(each).await.concat()
}

/// Continuous requests on new and on open connections.
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
                    connection.send(get("/load").as_bytes()).await;
                    assert!(connection.response().await.is_some(), "a request got no response");
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

    /// Ends the requests, all of which must have got a response, and returns their number.
    async fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        let counts = futures::future::join_all(self.tasks).await;
        counts.into_iter().map(|count| count.expect("no request failed")).sum()
    }
}

/// Asserts that 100,000 requests get this status.
async fn assert_all_get(status: u16, envoy: &Envoy, connections: &mut [Connection], path: &str) {
    let (kept, fresh) = tokio::join!(ask_all(connections, path, KEPT), fresh(envoy.data(), path, FRESH));
    assert!(kept.len() >= KEPT && fresh.len() >= FRESH);
    let others = |statuses: &[u16]| statuses.iter().filter(|seen| **seen != status).count();
    assert_eq!(
        (others(&kept), others(&fresh)),
        (0, 0),
        "requests on open and on new connections without status {status}"
    );
}

/// Adds a route for `/direct` to which Envoy responds itself, so that the application need not serve 100,000 requests.
fn answer_in_the_route(manager: &mut Value) {
    let routes = manager["route_config"]["virtual_hosts"][0]["routes"].as_array_mut().unwrap();
    let direct = json!({ "match": { "prefix": "/direct" }, "direct_response": { "status": 200 } });
    routes.insert(0, direct);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_maintctl_has_pushed_a_document_no_request_is_decided_by_an_older_one() {
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

    let desk = Desk::pushing(&ops, &[&envoy.endpoint()]);
    let closed = desk.run("close shop").await;
    assert_eq!(closed.code, 0, "{closed:?}");
    let refused = envoy.stat("wasmcustom.maintenance.site.shop.rq_refused").await;
    assert_all_get(503, &envoy, &mut connections, "/closed").await;
    assert_eq!(app.hits_of("/closed"), 0);
    assert!(app.hits_of("/before") >= 40 && app.hits_of("/load") > 0);
    let now = envoy.stat("wasmcustom.maintenance.site.shop.rq_refused").await;
    assert!(now - refused >= (KEPT + FRESH) as u64, "{refused} {now}");

    let opening = desk.json("open shop --json").await["sites"][0]["revision"].clone();
    assert_all_get(200, &envoy, &mut connections, "/direct").await;
    let reached = ask_all(&mut connections, "/app", 1000).await;
    assert!(reached.iter().all(|status| *status == 200));
    assert_eq!(app.hits_of("/app"), 1000);
    assert!(load.stop().await > 0);
    eventually("the gauges show the new document", async || {
        let gauge = async |name: &str| envoy.stat(&format!("wasmcustom.maintenance.site.shop.{name}")).await;
        (gauge("mode").await == 0 && json!(gauge("revision").await) == opening).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_maintctl_has_written_a_file_no_request_is_decided_by_an_older_document() {
    let (app, ops) = (App::start(), Signer::generate());
    let policy = shop::policy(&ops);
    let envoy = Envoy::builder(app.address())
        .policy(&policy)
        .control(&shop::control(&ops))
        .workers(WORKERS)
        .watched_file()
        .manager(answer_in_the_route)
        .start()
        .await;
    let mut connections = kept_open(&envoy).await;
    let load = Load::start(envoy.data());

    let desk = Desk::new(&ops, "");
    desk.write("policy.json", &policy.to_string());
    let endpoint = envoy.control_url("");
    let endpoint = endpoint.trim_end_matches('/');
    desk.target(&format!("file = {:?}\npolicy = \"policy.json\"\nenvoys = [{endpoint:?}]", envoy.ecds_file()));
    let closed = desk.run("close shop").await;
    assert_eq!(closed.code, 0, "{closed:?}");
    assert_all_get(503, &envoy, &mut connections, "/closed").await;
    assert_eq!(app.hits_of("/closed"), 0);

    let opened = desk.run("open shop").await;
    assert_eq!(opened.code, 0, "{opened:?}");
    assert_all_get(200, &envoy, &mut connections, "/direct").await;
    assert!(load.stop().await > 0);
}

/// A filter before ours that blocks a worker on a request with `x-busy`, until [`Busy::end`].
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

    /// An Envoy with this filter before ours.
    fn envoy(&self, app: &App, ops: &Signer) -> EnvoyBuilder {
        let builder = Envoy::builder(app.address()).policy(&shop::policy(ops)).control(&shop::control(ops));
        builder.workers(WORKERS).before(self.filter())
    }

    fn end(&self) {
        std::fs::write(self.folder.path().join("end"), "").unwrap();
    }

    /// Blocks a worker, and returns the connection of the blocking request.
    async fn begin(&self, envoy: &Envoy) -> Connection {
        let mut connection = Connection::open(envoy.data()).await;
        connection.send(b"GET /stuck HTTP/1.1\r\nHost: a\r\nx-busy: 1\r\n\r\n").await;
        eventually("a worker is blocked", async || envoy.log_contains("busy now").then_some(())).await;
        connection
    }
}

/// Repeats a request on new connections until one is accepted by a worker that is not blocked.
async fn soon<T>(condition: &str, ask: impl AsyncFn() -> T) -> T {
    eventually(condition, async || tokio::time::timeout(Duration::from_millis(500), ask()).await.ok()).await
}

#[tokio::test]
async fn a_stuck_worker_counts_as_not_adopted() {
    let (app, ops, busy) = (App::start(), Signer::generate(), Busy::new());
    let envoy = busy.envoy(&app, &ops).start().await;
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
    // The stuck worker still decides by the old document, so it must not count until it continues.
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
    assert_eq!(envoy.site("shop").await["workers"], envoy.all_adopted());
    assert_eq!(app.hits(), 1);
}

#[tokio::test]
async fn a_worker_that_is_stuck_during_a_move_to_another_vm_counts_as_not_adopted() {
    let (app, ops, busy) = (App::start(), Signer::generate(), Busy::new());
    let policy = shop::policy(&ops);
    let mut envoy = busy.envoy(&app, &ops).watched_file().start().await;
    shop::push(&envoy, &ops, &document("shop", "online")).await;
    let mut stuck = busy.begin(&envoy).await;
    // Envoy reports an update as accepted only after every worker has it.
    let before = envoy.updates().await;
    envoy.write_policy_in_new_vm("new", &policy);
    let closing = document("shop", "offline");
    let token = ops.sign(&closing);
    let (status, answer) = soon("a push on another worker", async || envoy.push("shop", &token).await).await;
    assert_eq!(status, 200, "{answer}");
    for _ in 0..200 {
        let seen = soon("the status of another worker", async || envoy.site("shop").await).await;
        // While the other workers move there may be no member at all, but never only members that have adopted.
        let workers = &seen["workers"];
        assert!(
            workers["members"] != workers["adopted"] || workers["members"] == 0,
            "all adopted while a worker is stuck: {seen}"
        );
    }
    busy.end();
    assert_eq!(stuck.response().await.unwrap().status, 200);
    assert_eq!(envoy.wait_for_update(before).await, Update::Taken);
    envoy.wait_for_workers("shop").await;
    assert_eq!(shop::get(&envoy, "/").await, 503);
}

#[tokio::test]
async fn a_site_that_an_update_adds_is_adopted_when_every_worker_has_the_update() {
    let (app, ops, busy) = (App::start(), Signer::generate(), Busy::new());
    let policy = shop::policy(&ops);
    let envoy = busy.envoy(&app, &ops).watched_file().start().await;
    envoy.wait_for_workers("shop").await;
    let mut stuck = busy.begin(&envoy).await;
    let mut wider = policy;
    wider["sites"] = json!([{ "name": "shop" }, { "name": "docs", "paths": ["/stuck"] }]);
    wider["state"] = json!({ "docs": { "mode": "offline" } });
    let before = envoy.updates().await;
    let filter = bootstrap::maintenance("data", &wider, Form::Text, &crate::support::module());
    replace(envoy.ecds_file(), &bootstrap::discovery_file(&filter).to_string());
    let followers = async || {
        let seen = soon("the status of another worker", async || envoy.site("docs").await).await;
        seen["workers"]["adopted"].as_u64().unwrap_or(0)
    };
    eventually("three workers have the site", async || (followers().await == 3).then_some(())).await;
    let seen = soon("the status of another worker", async || envoy.site("docs").await).await;
    assert_eq!(seen["workers"], json!({ "members": WORKERS, "adopted": 3 }));
    busy.end();
    assert_eq!(stuck.response().await.unwrap().status, 200);
    assert_eq!(envoy.wait_for_update(before).await, Update::Taken);
    envoy.wait_for_workers("docs").await;
    assert_eq!(shop::get(&envoy, "/stuck").await, 503);
}

#[tokio::test]
async fn a_site_of_two_policies_is_adopted_after_both_have_adopted() {
    let (app, ops) = (App::start(), Signer::generate());
    let mut narrow = shop::policy(&ops);
    narrow["keys"][0]["sites"] = json!(["docs"]);
    // Either policy may be the one that rejects the document.
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
        eventually("one of the policies rejects the document", async || {
            (envoy.stat("wasmcustom.maintenance.channel.push.rejected").await >= 3).then_some(())
        })
        .await;
        let seen = envoy.site("shop").await;
        assert_eq!(seen["workers"], json!({ "members": 2, "adopted": 0 }), "{seen}");
        // A rejected document is counted once.
        let count = envoy.stat("wasmcustom.maintenance.channel.push.rejected").await;
        shop::get(&envoy, "/").await;
        let later = json!({ "site": "shop", "fleet": "test", "revision": now_ms() + 1, "mode": "read_only" });
        envoy.push("shop", &ops.sign(&later)).await;
        eventually("the next document is rejected, too", async || {
            (envoy.stat("wasmcustom.maintenance.channel.push.rejected").await == 2 * count).then_some(())
        })
        .await;
    }
}
