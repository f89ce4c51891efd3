//! Retries by an Envoy in front of the filter.

use serde_json::{Value, json};
use tonic::Code;

use super::closed;
use super::grpc::call;
use crate::support::app::App;
use crate::support::client::{self};
use crate::support::envoy::Envoy;
use crate::support::eventually;

/// An Envoy without the filter that forwards to another Envoy and retries three times on these conditions.
async fn in_front(back: &Envoy, retry_on: &'static str) -> Envoy {
    let policy = json!({
        "retry_on": retry_on,
        "num_retries": 3,
        "retriable_status_codes": [503, 200],
        "retry_back_off": { "base_interval": "0.001s", "max_interval": "0.002s" },
    });
    Envoy::builder(back.data())
        .upstream_h2()
        .manager(move |manager| {
            let route: &mut Value = &mut manager["route_config"]["virtual_hosts"][0]["routes"][0]["route"];
            route["retry_policy"] = policy.clone();
        })
        .start()
        .await
}

#[tokio::test]
async fn an_envoy_in_front_does_not_retry_refusals() {
    let app = App::start();
    let back = closed(&app).start().await;
    let http = ["5xx", "gateway-error", "retriable-status-codes"];
    let all = "5xx,gateway-error,retriable-status-codes,reset,connect-failure,refused-stream,unavailable,\
               cancelled,deadline-exceeded,internal,resource-exhausted";
    let tries = async |front: &Envoy, grpc: bool, staff: bool| {
        let before = back.stat("http.data.downstream_rq_total").await;
        if grpc {
            assert_eq!(call(front, "unary", staff).await.unwrap_err().code(), Code::Unavailable);
        } else {
            let request = client::h1().get(front.url("/")).header("x-staff", if staff { "yes" } else { "no" });
            assert_eq!(request.send().await.unwrap().status(), 503);
        }
        back.stat("http.data.downstream_rq_total").await - before
    };
    let mut fronts = Vec::new();
    for retry_on in http {
        fronts.push((retry_on, false, in_front(&back, retry_on).await));
    }
    fronts.push((all, false, in_front(&back, all).await));
    fronts.push(("unavailable", true, in_front(&back, "unavailable").await));
    fronts.push((all, true, in_front(&back, all).await));

    for (retry_on, grpc, front) in &fronts {
        assert_eq!(tries(front, *grpc, false).await, 1, "retries on {retry_on}, gRPC: {grpc}");
    }
    assert_eq!(app.hits(), 0);

    // The same Envoys do retry failures of the application.
    drop(app);
    eventually("the application is down", async || {
        let answer = client::h1().get(back.url("/")).header("x-staff", "yes").send().await.unwrap();
        (answer.status() == 503).then_some(())
    })
    .await;
    for (retry_on, grpc, front) in &fronts {
        assert_eq!(tries(front, *grpc, true).await, 4, "retries on {retry_on}, gRPC: {grpc}");
    }
}
