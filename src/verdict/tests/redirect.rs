use super::*;

#[test]
fn the_redirect_target_passes_on_exact_hosts_only() {
    let offline = [document("{'mode': 'offline'}")];
    for (hosts, redirect, request, expected) in [
        ("'shop', 'status'", "https://Status/now?from=shop", "GET status/now", "redirect-target"),
        ("'shop', 'status'", "https://Status/now?from=shop", "HEAD status:443/%6eow?x=y", "redirect-target"),
        ("'shop', 'status'", "https://status/now", "GET status:80/now", "offline"),
        ("'shop', 'status'", "http://status/now", "GET status:80/now", "redirect-target"),
        ("'shop', 'status'", "https://status:8443/now", "GET status:8443/now", "redirect-target"),
        ("'shop', 'status'", "https://status:8443/now", "GET status/now", "offline"),
        ("'shop', 'status'", "https://status:8443/now", "GET status:443/now", "offline"),
        ("'shop', 'status'", "https://status/now", "POST status/now", "offline"),
        ("'shop', 'status'", "https://status/now", "GET status/now | x-http-method-override: DELETE", "offline"),
        ("'shop', 'status'", "https://status/now", "GET status/now | upgrade: websocket", "offline"),
        ("'shop', 'status'", "https://status/now", "OPTIONS status/now", "offline"),
        ("'shop', 'status'", "https://status/now", "GET shop/now", "offline"),
        ("'shop', 'status'", "https://status/now", "GET status/", "offline"),
        ("'shop', 'status'", "https://status/now", "GET status//now", "offline"),
        ("'*.shop'", "https://status.shop/now", "GET status.shop/now", "offline"),
        ("'*'", "https://status/now", "GET status/now", "offline"),
        ("'shop', '*.shop'", "/sorry", "GET shop/sorry", "redirect-target"),
        ("'shop', '*.shop'", "/sorry", "GET shop:8080/sorry?a=b", "redirect-target"),
        ("'shop', '*.shop'", "/sorry", "GET a.shop/sorry", "offline"),
        ("'*'", "/sorry", "GET shop/sorry", "offline"),
    ] {
        let policy = policy(&format!(
            "{{'sites': [{{'name': 'a', 'hosts': [{hosts}], 'reply': {{'redirect': '{redirect}'}}}}]}}"
        ));
        assert_eq!(verdict(&policy, &offline, request), expected, "{redirect}: {request}");
    }
}
