use std::fs;

use super::*;

const PRIVATE: [u8; 32] = [7; 32];

fn now() -> Timestamp {
    "2026-11-26T00:00:00Z".parse().unwrap()
}

fn list(version: u64, expires: &str) -> Vec<u8> {
    let list = serde_json::json!({ "layout": 1, "version": version, "expires": expires, "models": [] });
    serde_json::to_vec(&list).unwrap()
}

struct Place {
    folder: tempfile::TempDir,
    store: ManifestStore,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let bytes = list(5, "2027-01-01T00:00:00Z");
    let (signature, key) = sign(&bytes, &PRIVATE);
    let store = ManifestStore::with(folder.path(), key, &bytes, &signature).unwrap();
    Place { folder, store }
}

impl Place {
    fn offer(&self, bytes: &[u8]) -> Result<u64, &'static str> {
        let (signature, _) = sign(bytes, &PRIVATE);
        let accepted = self.store.accept(bytes, &signature, now());
        accepted.map(|accepted| accepted.manifest.version).map_err(|error| error.code())
    }

    fn version(&self) -> u64 {
        self.store.current().unwrap().manifest.version
    }
}

#[test]
fn the_list_that_is_built_in_is_signed_by_the_networks_key_and_has_the_starter_ladder() {
    let folder = tempfile::tempdir().unwrap();
    let list = ManifestStore::open(folder.path()).unwrap().current().unwrap().manifest;
    let starter = crate::starter();
    let listed = list.model(&starter.model).unwrap();
    let source = &listed.variant(Precision::Q4_1).unwrap().files[0];
    assert_eq!((source.sha256, source.bytes), (Some(starter.digest), Some(starter.bytes)));
    assert_eq!((source.name.as_str(), listed.licence.as_str()), (starter.file_name, starter.licence));
    for format in starter.ladder {
        let variant = listed.variant(format).unwrap();
        assert_eq!((variant.made_from, variant.files[0].sha256.is_some()), (Some(Precision::Q4_1), true));
    }
    let families: std::collections::BTreeSet<_> = list.models.iter().map(|model| model.family.as_str()).collect();
    assert_eq!(Vec::from_iter(families), ["Llama 3.1", "Llama 3.2", "Mistral", "Phi-3", "Qwen3", "SmolLM2"]);
}

#[test]
fn a_newer_list_is_kept_and_an_older_expired_or_contradicting_one_is_refused() {
    let place = place();
    let cases = [
        (list(4, "2027-01-01T00:00:00Z"), Err("manifest_older"), 5),
        (list(6, "2026-11-25T00:00:00Z"), Err("manifest_expired"), 5),
        (list(5, "2027-06-01T00:00:00Z"), Err("manifest_same_version"), 5),
        (list(7, "2027-01-01T00:00:00Z"), Ok(7), 7),
        (list(7, "2027-01-01T00:00:00Z"), Ok(7), 7),
        (list(6, "2027-01-01T00:00:00Z"), Err("manifest_older"), 7),
    ];
    for (bytes, expected, current) in cases {
        assert_eq!(place.offer(&bytes), expected, "{}", String::from_utf8_lossy(&bytes));
        assert_eq!(place.version(), current);
    }
}

#[test]
fn one_changed_byte_or_another_key_is_refused() {
    let place = place();
    let bytes = list(9, "2027-01-01T00:00:00Z");
    let (signature, _) = sign(&bytes, &PRIVATE);
    let (foreign, _) = sign(&bytes, &[8; 32]);
    let mut changed = bytes.clone();
    changed[20] ^= 1;
    for (bytes, signature) in [(&changed, &signature), (&bytes, &foreign)] {
        let refused = place.store.accept(bytes, signature, now()).unwrap_err();
        assert_eq!(refused.code(), "manifest_signature");
    }
    assert_eq!(place.version(), 5);
}

#[test]
fn a_damaged_copy_falls_back_to_the_list_that_is_built_in() {
    let place = place();
    place.offer(&list(7, "2027-01-01T00:00:00Z")).unwrap();
    let path = place.folder.path().join("manifest.signed");
    let whole = fs::read(&path).unwrap();
    for content in [&whole[..whole.len() - 3], b"", b"not\na list", &whole[..10]] {
        fs::write(&path, content).unwrap();
        assert_eq!(place.version(), 5);
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(place.version(), 7);
}

#[test]
fn an_expired_list_still_tells_what_is_what_and_gets_nothing() {
    let manifest = Manifest::parse(&list(1, "2026-11-26T00:00:00Z")).unwrap();
    assert_eq!(manifest.check_expiry(now()).unwrap_err().code(), "manifest_expired");
    assert!(manifest.check_expiry("2026-11-25T23:59:59Z".parse().unwrap()).is_ok());
}

#[test]
fn a_list_that_could_lead_out_of_its_folder_or_contradicts_itself_is_refused() {
    let good = serde_json::json!({ "layout": 1, "version": 1, "expires": "2027-01-01T00:00:00Z", "models": [{
        "id": "tiny", "name": "Tiny", "family": "T", "parameters": 1, "layers": 1, "heads": 1, "kv_heads": 1,
        "context": 1, "licence": "MIT", "variants": [{ "format": "Q8_0", "files": [{ "name": "tiny.gguf" }],
        "sources": [{ "kind": "hub", "repository": "a/b", "revision": "main" }] }] }] });
    let parse = |list: &serde_json::Value| Manifest::parse(&serde_json::to_vec(list).unwrap());
    assert!(parse(&good).is_ok());
    let cases = [
        ("/layout", serde_json::json!(2), "manifest_layout"),
        ("/models/0/id", serde_json::json!("../tiny"), "manifest_content"),
        ("/models/0/variants/0/files/0/name", serde_json::json!("a/b.gguf"), "manifest_content"),
        ("/models/0/variants/0/files/0/name", serde_json::json!("tiny.exe"), "manifest_content"),
        ("/models/0/variants/0/files", serde_json::json!([]), "manifest_content"),
        ("/models/0/variants/0/sources/0/repository", serde_json::json!("a/../../b"), "manifest_content"),
        ("/models/0/variants/0/sources/0/revision", serde_json::json!("../x"), "manifest_content"),
        ("/models/0/variants/0/sources/0", serde_json::json!({ "kind": "url", "base": "ftp://x" }), "manifest_content"),
        ("/models/0/variants/0/format", serde_json::json!("Q9"), "manifest_layout"),
    ];
    for (place, value, code) in cases {
        let mut list = good.clone();
        *list.pointer_mut(place).unwrap() = value;
        assert_eq!(parse(&list).unwrap_err().code(), code, "{place}");
    }
}
