//! The parts of a test's Envoy bootstrap, as JSON.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

/// The form of a plugin configuration. Envoy passes a `StringValue` to the plugin as text, and a `Struct` as protobuf
/// bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    Struct,
}

/// The type URL of a protobuf message.
pub fn type_url(name: &str) -> String {
    format!("type.googleapis.com/{name}")
}

/// An HTTP filter, network filter or other extension: its configuration with the type added.
pub fn extension(name: &str, message: &str, mut config: Value) -> Value {
    config["@type"] = type_url(message).into();
    json!({ "name": name, "typed_config": config })
}

const WASM: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";

/// The filter under test with this policy. `name` is the name of the plugin.
pub fn maintenance(name: &str, policy: &Value, form: Form, module: &Path) -> Value {
    maintenance_of_text(name, &policy.to_string(), form, module)
}

/// Like [`maintenance`], with a policy that need not be JSON (except as a struct).
pub fn maintenance_of_text(name: &str, policy: &str, form: Form, module: &Path) -> Value {
    let configuration = match form {
        Form::Text => json!({ "@type": type_url("google.protobuf.StringValue"), "value": policy }),
        Form::Struct => {
            let value: Value = serde_json::from_str(policy).expect("a policy in struct form is JSON");
            json!({ "@type": type_url("google.protobuf.Struct"), "value": value })
        }
    };
    let vm = json!({
        "vm_id": "maintenance",
        "runtime": "envoy.wasm.runtime.v8",
        "code": { "local": { "filename": module } },
    });
    let config =
        json!({ "name": name, "failure_policy": "FAIL_RELOAD", "vm_config": vm, "configuration": configuration });
    extension("maintenance", WASM, json!({ "config": config }))
}

/// Gives a filter this VM configuration. Plugins with different VM configurations run in different VMs, like plugins with
/// different modules.
pub fn set_vm_configuration(filter: &mut Value, configuration: &str) {
    let value = json!({ "@type": type_url("google.protobuf.StringValue"), "value": configuration });
    filter["typed_config"]["config"]["vm_config"]["configuration"] = value;
}

/// A filter whose configuration Envoy reads from a watched file (filesystem ECDS).
pub fn discovered(file: &Path) -> Value {
    let source = json!({
        "path_config_source": { "path": file, "watched_directory": { "path": file.parent() } },
        "resource_api_version": "V3",
    });
    json!({ "name": "maintenance", "config_discovery": { "config_source": source, "type_urls": [type_url(WASM)] } })
}

/// The content of the watched file.
pub fn discovery_file(filter: &Value) -> Value {
    let mut resource = filter.clone();
    resource["@type"] = type_url("envoy.config.core.v3.TypedExtensionConfig").into();
    json!({ "resources": [resource] })
}

/// A connection manager that routes to the application, with these filters before the router.
pub fn connection_manager(name: &str, mut filters: Vec<Value>, access_log: &Path) -> Value {
    filters.push(extension("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router", json!({})));
    let format = "%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %FILTER_STATE(wasm.maintenance.via:PLAIN)% \
                  %REQ(:METHOD)% %REQ(:AUTHORITY)% %REQ(:PATH)%\n";
    json!({
        "stat_prefix": name,
        "use_remote_address": true,
        "delayed_close_timeout": "0.2s",
        "upgrade_configs": [{ "upgrade_type": "websocket" }],
        "http_filters": filters,
        "route_config": { "virtual_hosts": [{
            "name": "all", "domains": ["*"],
            "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": "app", "timeout": "0s" } }],
        }] },
        "access_log": [extension("file", "envoy.extensions.access_loggers.file.v3.FileAccessLog", json!({
            "path": access_log, "log_format": { "text_format_source": { "inline_string": format } },
        }))],
    })
}

/// A listener on a free loopback port; `tls` is a `DownstreamTlsContext`.
pub fn listener(name: &str, manager: Value, tls: Option<&Value>) -> Value {
    let manager = extension(
        "envoy.filters.network.http_connection_manager",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        manager,
    );
    let mut chain = json!({ "filters": [manager] });
    if let Some(tls) = tls {
        chain["transport_socket"] = extension(
            "envoy.transport_sockets.tls",
            "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            tls.clone(),
        );
    }
    json!({ "name": name, "address": address("127.0.0.1:0".parse().unwrap()), "filter_chains": [chain] })
}

/// A cluster of one address; with `h2`, Envoy uses HTTP/2 without TLS.
pub fn cluster(name: &str, upstream: SocketAddr, h2: bool) -> Value {
    let mut cluster = json!({
        "name": name,
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address(upstream) } }] }],
        },
    });
    if h2 {
        let options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
        cluster["typed_extension_protocol_options"] = json!({ options: {
            "@type": type_url(options), "explicit_http_config": { "http2_protocol_options": {} },
        } });
    }
    cluster
}

/// A socket address in Envoy's form.
pub fn address(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}
