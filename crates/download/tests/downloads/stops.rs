//! Downloads that are stopped, killed, or begun twice.

use std::{fs, path::Path};

use proptest::prelude::*;

use crate::place::{gguf, place};

#[tokio::test]
async fn a_file_is_got_by_one_process_at_a_time() {
    let place = place(&gguf(9000, 17)).await;
    assert_eq!(place.get_until(2000).await.unwrap_err().code(), "stopped");
    let journal = fs::File::options().write(true).open(place.beside("part.journal")).unwrap();
    journal.lock().unwrap();
    assert_eq!(place.code().await, "in_use");
    drop(journal);
    place.get().await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Stopped anywhere, with the journal torn anywhere and a byte of what came flipped anywhere.
    #[test]
    fn a_download_is_whole_however_often_and_wherever_it_is_killed(
        stops in proptest::collection::vec((1_u64..20_000, 0_usize..200, proptest::option::of(0_usize..20_000)), 1..4),
        size in 4000_usize..20_000,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let content = gguf(size, 19);
            let place = place(&content).await;
            for (bytes, torn, flipped) in stops {
                if place.get_until(bytes).await.is_ok() {
                    break;
                }
                tear(&place.beside("part.journal"), torn);
                flip(&place.beside("part"), flipped);
            }
            place.get().await.unwrap();
            place.assert_whole(&content);
        });
    }
}

fn tear(journal: &Path, by: usize) {
    if let Ok(content) = fs::read(journal) {
        fs::write(journal, &content[..content.len().saturating_sub(by)]).unwrap();
    }
}

fn flip(part: &Path, at: Option<usize>) {
    if let (Some(at), Ok(mut content)) = (at, fs::read(part))
        && let Some(byte) = content.get_mut(at)
    {
        *byte ^= 0x55;
        fs::write(part, content).unwrap();
    }
}

#[tokio::test]
async fn what_came_before_a_stop_is_not_got_again() {
    let content = gguf(200_000, 20);
    let place = place(&content).await;
    assert_eq!(place.get_until(150_000).await.unwrap_err().code(), "stopped");
    let journal = fs::read_to_string(place.beside("part.journal")).unwrap();
    let chunks = journal.lines().count() - 1;
    assert!(chunks > 100, "{chunks}");
    place.hub.inside().bytes_sent = 0;
    place.get().await.unwrap();
    place.assert_whole(&content);
    assert_eq!(place.hub.inside().bytes_sent, content.len() - chunks * 1000);
}
