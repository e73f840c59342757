use super::*;

#[expect(clippy::unnecessary_wraps, reason = "the shape of a passphrase source")]
fn secret(_new: bool) -> Option<String> {
    Some("correct horse".to_owned())
}

fn create(folder: &Path) -> Identity {
    Identity::create(folder, KeyPlace::Keystore, &secret).unwrap()
}

#[test]
fn a_keystore_identity_is_the_same_after_a_restart_and_no_file_holds_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let first = create(folder.path());
    assert_eq!(Identity::open(folder.path(), &secret).unwrap().address(), first.address());
    let key = hex::encode(first.signer.to_bytes());
    for file in fs::read_dir(folder.path()).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(!text.to_lowercase().contains(&key), "{text}");
    }
}

#[test]
fn a_wrong_passphrase_and_nobody_to_ask_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    create(folder.path());
    let wrong = Identity::open(folder.path(), &|_| Some("battery staple".to_owned())).err().unwrap();
    assert!(matches!(wrong, IdentityError::KeystoreClosed { .. }), "{wrong}");
    let nobody = Identity::open(folder.path(), &|_| None).err().unwrap();
    assert!(matches!(nobody, IdentityError::NoPassphrase), "{nobody}");
}

#[test]
fn a_keystore_that_is_missing_or_damaged_is_not_blamed_on_the_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    create(folder.path());
    let keystore = folder.path().join("keystore.json");
    for content in [None, Some("{"), Some("{}"), Some("{\"crypto\": {}}")] {
        match content {
            None => fs::remove_file(&keystore).unwrap(),
            Some(content) => fs::write(&keystore, content).unwrap(),
        }
        let nobody_is_asked = |_| panic!("there is nothing to open");
        let unread = Identity::open(folder.path(), &nobody_is_asked).err().unwrap();
        assert!(matches!(unread, IdentityError::KeystoreUnreadable { .. }), "{content:?}: {unread}");
    }
}

#[test]
fn another_node_s_keystore_is_not_taken_for_one_s_own() {
    let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, second) = (create(own.path()), create(other.path()));
    fs::copy(other.path().join("keystore.json"), own.path().join("keystore.json")).unwrap();
    let refused = Identity::open(own.path(), &secret).err().unwrap();
    let IdentityError::KeystoreOfAnother { expected, found, .. } = refused else { panic!("{refused}") };
    assert_eq!((expected, found), (first.address(), second.address()));
}

#[test]
fn a_short_new_passphrase_makes_no_identity() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Identity::create(folder.path(), KeyPlace::Keystore, &|_| Some("short".to_owned()));
    assert!(matches!(refused.err().unwrap(), IdentityError::WeakPassphrase));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_keystore_left_by_a_kill_before_the_note_is_taken_up_and_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let first = create(folder.path());
    fs::remove_file(folder.path().join("identity.json")).unwrap();
    assert_eq!(create(folder.path()).address(), first.address());
}

#[test]
fn of_two_first_runs_at_once_one_makes_the_identity_and_the_other_opens_it() {
    let folder = tempfile::tempdir().unwrap();
    let first = create(folder.path());
    let note = Note { address: Identity::ephemeral().address(), place: KeyPlace::Keystore };
    assert!(!first_note(folder.path(), &note).unwrap(), "the first note stays");
    assert_eq!(create(folder.path()).address(), first.address());
}

#[test]
fn an_exported_key_is_the_identity_of_the_folder_it_is_imported_into_and_the_one_before_stays() {
    let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, second) = (create(own.path()), create(other.path()));
    let backup = own.path().join("backup.json");
    assert!(matches!(first.export(&backup, "short").err().unwrap(), IdentityError::WeakPassphrase));
    first.export(&backup, "another passphrase").unwrap();
    let import = |passphrase| Identity::import_into(KeyPlace::Keystore, other.path(), &backup, passphrase);
    assert!(matches!(import("wrong passphrase").err().unwrap(), IdentityError::KeystoreClosed { .. }));
    assert_eq!(Identity::open(other.path(), &secret).unwrap().address(), second.address());
    assert_eq!(import("another passphrase").unwrap().address(), first.address());
    let opened = Identity::open(other.path(), &|_| Some("another passphrase".to_owned())).unwrap();
    assert_eq!(opened.address(), first.address());
    let before = keystore::open(other.path().join("keystore.json"), &secret).unwrap();
    assert_eq!(before.address(), second.address());
}

#[test]
fn a_damaged_note_is_an_error_and_not_a_first_run() {
    let folder = tempfile::tempdir().unwrap();
    create(folder.path());
    fs::write(folder.path().join("identity.json"), "{").unwrap();
    assert!(matches!(Identity::open(folder.path(), &secret).err().unwrap(), IdentityError::Note { .. }));
}

#[test]
fn what_is_signed_is_recovered_by_the_protocol() {
    let identity = Identity::ephemeral();
    let signature = identity.sign("text").unwrap();
    assert_eq!(cortensor_protocol::recover("text", &signature), Ok(identity.address()));
}
