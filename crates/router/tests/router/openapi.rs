//! The document that describes the routes.

use serde_json::json;

use crate::support::Practice;

#[tokio::test]
async fn every_route_that_is_described_needs_a_key_but_those_that_prove_themselves_otherwise() {
    let practice = Practice::start().await;
    let (status, document) = practice.client.get("/api/openapi.json").await;
    assert_eq!((status.as_u16(), document["openapi"].as_str().unwrap().starts_with("3.1")), (200, true));
    let stranger = practice.client.with_key("");
    let mut described = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let address =
                path.replace("{sid}", "1").replace("{tid}", "1").replace("{kid}", "1").replace("{model}", "m");
            let status = stranger.send(&method.to_uppercase(), &address, json!(null)).await.status();
            let open = ["/health", "/node/v1", "/api/v1/withdrawals"].contains(&path.as_str());
            assert_eq!(status == 401, !open, "{method} {path}: {status}");
            let told =
                [status.as_str(), "4XX", "default"].iter().any(|told| operation["responses"].get(told).is_some());
            assert!(told, "{method} {path}: {status} is not in the document");
            described += 1;
        }
    }
    assert!(described >= 24, "{described}");
    practice.settle().await;
}
